/** Files as frames, whatever they are. */
import { openClip } from "./clip.js";
import { openAnimation, openPictures } from "./pictures.js";

/**
 * What a person chose, with its `width` and `height`, and `seconds` if it is a clip.
 *
 * `decode({ width, height, from, seconds, most }, report, signal)` gives { frames, times }: ImageData of that size and
 * their times in seconds. `most` is how many may come; `from` and `seconds` are the part of a clip that is wanted.
 */
export async function openSource(files) {
  if (files.length > 1) return openPictures(files);
  return files[0].type.startsWith("image/") ? openAnimation(files[0]) : openClip(files[0]);
}
