/** What the page knows of the ONNX files: their names, what they say of themselves, what goes in and comes out. */
import { Problem } from "./problem.js";

const SCHEMA = "vfi_flow-1";
/** Bytes in, bytes out: the frames of a canvas without a conversion of our own. */
export const LAYOUT = "u8";
export const STEPS = [0, 1, 2];
export const HOW_TO_EXPORT =
  `vfi-flow export --layout ${LAYOUT} --steps ${STEPS.join(" ")} --output-dir export/hosts/web/models`;

export const fileName = (model, steps) => `${model}.${LAYOUT}_${steps}.onnx`;

/**
 * The metadata of an ONNX file.
 *
 * onnxruntime-web does not hand it out, so it is read from the file: a protocol buffer whose field 14 holds the pairs.
 */
export function readMetadata(bytes) {
  const metadata = {};
  for (const [field, content] of fields(bytes)) {
    if (field !== 14) continue;
    const entry = Object.fromEntries(fields(content));
    metadata[text(entry[1])] = text(entry[2]);
  }
  return metadata;
}

/** Raises unless the file is one that this page can run; returns its metadata. */
export function check(bytes, name) {
  let metadata;
  try {
    metadata = readMetadata(bytes);
  } catch {
    throw new Problem(`${name} is not an ONNX file, or it is cut off. Export it again: ${HOW_TO_EXPORT}`);
  }
  if (!metadata.schema?.startsWith("vfi_flow-"))
    throw new Problem(`${name} is not a model of vfi_flow. Export one: ${HOW_TO_EXPORT}`);
  if (metadata.schema !== SCHEMA)
    throw new Problem(`${name} is of ${metadata.schema}; this page reads ${SCHEMA}. Export it again: ${HOW_TO_EXPORT}`);
  if (metadata.layout !== LAYOUT)
    throw new Problem(`${name} has the layout ${metadata.layout}; this page runs ${LAYOUT}: ${HOW_TO_EXPORT}`);
  if (metadata.size !== "dynamic")
    throw new Problem(`${name} takes only frames of ${metadata.size}. Export it without --size: ${HOW_TO_EXPORT}`);
  return metadata;
}

/** Inputs for the frame at `tau` (0 is `frame0`, 1 is `frame1`) between two ImageData of the same size. */
export function inputs(ort, frame0, frame1, tau) {
  const shape = [1, frame0.height, frame0.width, 3];
  return {
    frame0: new ort.Tensor("uint8", withoutAlpha(frame0.data), shape),
    frame1: new ort.Tensor("uint8", withoutAlpha(frame1.data), shape),
    tau: new ort.Tensor("float32", [tau], [1]),
  };
}

/** The new frame as ImageData. */
export function result({ frame }) {
  const [, height, width] = frame.dims;
  return new ImageData(withAlpha(frame.data), width, height);
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}

function withAlpha(rgb) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from];
    rgba[to + 1] = rgb[from + 1];
    rgba[to + 2] = rgb[from + 2];
    rgba[to + 3] = 255;
  }
  return rgba;
}

const text = (bytes) => new TextDecoder().decode(bytes);

/** Number and content of every field of a protocol buffer message; numbers are passed over. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new RangeError("cut off");
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError("cut off");
      yield [field, bytes.subarray(at, at + length)];
      at += length;
    } else throw new RangeError("not a protocol buffer");
  }
}
