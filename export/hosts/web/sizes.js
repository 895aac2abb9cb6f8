/** Which sizes the page works at, and how many frames of one it keeps. */

/** The largest frame that was tried: twenty seconds in WebAssembly with two steps. */
const MOST_PIXELS = 2560 * 1440;
/** A clip of this size is done in WebAssembly before one turns away: a second or two for a frame. */
const PREFERRED_PIXELS = 640 * 480;
const SHORT_SIDES = [1440, 1080, 720, 540, 360, 240];
/** Bytes of all frames, made and given, that a page keeps. */
const MEMORY = 1e9;
const LARGEST_FACTOR = 8;
const MOST_FRAMES = 240;

/** [width, height] of every size that a picture of `width` x `height` can be worked on at, largest first. */
export function sizesFor(width, height) {
  const smaller = SHORT_SIDES.filter((side) => side < Math.min(width, height)).map((side) => {
    const scale = side / Math.min(width, height);
    return [even(width * scale), even(height * scale)];
  });
  const sizes = [[width, height], ...smaller].filter(([w, h]) => w * h <= MOST_PIXELS);
  if (sizes.length) return sizes;
  const scale = Math.sqrt(MOST_PIXELS / (width * height)); // long and thin
  return [[Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale))]];
}

/** The largest of `sizes` with at most `pixels`, or the smallest. */
export function preferredSize(sizes, pixels = PREFERRED_PIXELS) {
  return sizes.find(([width, height]) => width * height <= pixels) ?? sizes.at(-1);
}

/** How many source frames of a size fit, with all that are made between them. */
export function mostFrames(width, height) {
  return Math.max(2, Math.min(MOST_FRAMES, Math.floor(MEMORY / (4 * width * height * LARGEST_FACTOR))));
}

const even = (side) => 2 * Math.round(side / 2);
