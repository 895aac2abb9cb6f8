/** Pictures as frames, a few of one size or an animation in one file. */
import { drawer } from "./drawing.js";
import { Problem } from "./problem.js";

/** Seconds between two pictures: so long their pair lasts at its own speed. */
const PICTURES_APART = 0.25;

/** See frames.js; the pictures are in the order of their names, numbers counted as such. */
export async function openPictures(files) {
  const named = [...files].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const opened = await Promise.allSettled(named.map(openPicture));
  const pictures = opened.flatMap(({ value }) => value ?? []);
  const close = () => pictures.forEach((picture) => picture.close());
  try {
    for (const { reason } of opened) if (reason) throw reason;
    checkSizes(named, pictures);
  } catch (error) {
    close();
    throw error;
  }
  const [{ width, height }] = pictures;
  return {
    width,
    height,
    close,
    async decode(wanted) {
      const draw = drawer(wanted.width, wanted.height);
      const frames = pictures.slice(0, wanted.most).map(draw);
      return { frames, times: frames.map((_, i) => i * PICTURES_APART) };
    },
  };
}

function checkSizes(files, pictures) {
  const sizes = pictures.map(({ width, height }) => `${width}×${height}`);
  const other = sizes.findIndex((size) => size !== sizes[0]);
  if (other > 0)
    throw new Problem(
      `The pictures must have one size: ${files[0].name} is ${sizes[0]}, ${files[other].name} is ${sizes[other]}`,
    );
}

async function openPicture(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Problem(`${file.name} is not a picture that this browser can read`);
  }
}

/** See frames.js; a GIF, APNG, WebP or AVIF that moves. Of one that does not there is too little. */
export async function openAnimation(file) {
  const still = await openPicture(file);
  const { width, height } = still;
  still.close();
  const decoder = "ImageDecoder" in window ? new ImageDecoder({ data: file.stream(), type: file.type }) : null;
  let count;
  try {
    await decoder?.completed;
    count = decoder?.tracks.selectedTrack.frameCount ?? 1;
    if (count < 2) throw new Problem(`${file.name} is one picture; choose two or more, or a clip`);
  } catch (error) {
    decoder?.close();
    throw error;
  }
  return {
    width,
    height,
    close: () => decoder.close(),
    async decode(wanted, report, signal) {
      const draw = drawer(wanted.width, wanted.height);
      const [frames, times] = [[], []];
      for (let frameIndex = 0; frameIndex < Math.min(count, wanted.most); frameIndex++) {
        signal.throwIfAborted();
        const { image } = await decoder.decode({ frameIndex });
        frames.push(draw(image));
        times.push(image.timestamp / 1e6);
        image.close();
        report(frameIndex / count);
      }
      return { frames, times };
    },
  };
}
