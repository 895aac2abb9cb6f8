/** Encoded pictures as a WebM file: the little of Matroska that one track needs. */

const MILLISECOND = 1_000_000; // nanoseconds: the unit of all times
const MATRICES = { rgb: 0, bt709: 1, bt470bg: 5, smpte170m: 6, "bt2020-ncl": 9 };
const TRANSFERS = { bt709: 1, smpte170m: 6, "iec61966-2-1": 13 };
const PRIMARIES = { bt709: 1, bt470bg: 5, smpte170m: 6, bt2020: 9 };

/**
 * A Blob of the file.
 *
 * `packets` are { bytes, milliseconds, isKey } in order, `end` is the length in milliseconds, `codec` is V_VP9 or V_VP8,
 * `colour` a VideoColorSpace as the encoder describes it.
 */
export function webm({ packets, end, codec, width, height, colour }) {
  const header = element(0x1a45dfa3, [
    number(0x4286, 1), // EBMLVersion
    number(0x42f7, 1), // EBMLReadVersion
    number(0x42f2, 4), // EBMLMaxIDLength
    number(0x42f3, 8), // EBMLMaxSizeLength
    string(0x4282, "webm"),
    number(0x4287, 4), // DocTypeVersion
    number(0x4285, 2), // DocTypeReadVersion
  ]);
  const information = element(0x1549a966, [
    number(0x2ad7b1, MILLISECOND),
    element(0x4489, [float(end)]), // Duration
    string(0x4d80, "vfi_flow"), // MuxingApp
    string(0x5741, "vfi_flow"), // WritingApp
  ]);
  const track = element(0xae, [
    number(0xd7, 1), // TrackNumber
    number(0x73c5, 1), // TrackUID
    number(0x83, 1), // TrackType: video
    number(0x9c, 0), // FlagLacing
    string(0x86, codec),
    element(0xe0, [number(0xb0, width), number(0xba, height), element(0x55b0, colourTags(colour))]),
  ]);
  const before = [information, element(0x1654ae6b, [track])];
  const groups = clusters(packets);
  const cues = element(0x1c53bb6b, cuePoints(groups, size(before)));
  return new Blob(flat([header, element(0x18538067, [...before, ...groups.map(({ bytes }) => bytes), cues])]), {
    type: "video/webm",
  });
}

/** A cluster for every key frame: times inside are 16 bits, and players jump to its start. */
function clusters(packets) {
  const groups = [];
  for (const packet of packets) {
    const last = groups.at(-1);
    if (!last || packet.isKey || packet.milliseconds - last[0].milliseconds > 32000) groups.push([packet]);
    else last.push(packet);
  }
  return groups.map((group) => {
    const start = group[0].milliseconds;
    const blocks = group.map(({ bytes, milliseconds, isKey }) => {
      const head = new Uint8Array(4); // track 1, time since the cluster, flags
      new DataView(head.buffer).setInt16(1, milliseconds - start);
      head[0] = 0x81;
      head[3] = isKey ? 0x80 : 0;
      return element(0xa3, [head, bytes]); // SimpleBlock
    });
    return { start, isKey: group[0].isKey, bytes: element(0x1f43b675, [number(0xe7, start), ...blocks]) };
  });
}

/** Where clusters lie, counted from the start of the segment's content. */
function cuePoints(groups, offset) {
  const points = [];
  for (const { start, isKey, bytes } of groups) {
    const position = element(0xb7, [number(0xf7, 1), number(0xf1, offset)]);
    if (isKey) points.push(element(0xbb, [number(0xb3, start), position]));
    offset += size([bytes]);
  }
  return points;
}

function colourTags(colour) {
  const tags = [
    [0x55b1, MATRICES[colour?.matrix]],
    [0x55b9, colour?.fullRange == null ? undefined : 1 + Number(colour.fullRange)],
    [0x55ba, TRANSFERS[colour?.transfer]],
    [0x55bb, PRIMARIES[colour?.primaries]],
  ];
  return tags.filter(([, value]) => value !== undefined).map(([id, value]) => number(id, value));
}

// ---- EBML: an element is its id, the length of its content, and the content ------------------------------------------

function element(id, content) {
  return [bigEndian(id), lengthOf(size(content)), ...content];
}

const number = (id, value) => element(id, [bigEndian(value)]);
const string = (id, value) => element(id, [new TextEncoder().encode(value)]);

function float(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

function bigEndian(value) {
  const bytes = [];
  do bytes.unshift(value % 256);
  while ((value = Math.floor(value / 256)));
  return Uint8Array.from(bytes);
}

/** A length in eight bytes; the leading one says that there are eight. */
function lengthOf(value) {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
  bytes[0] |= 1;
  return bytes;
}

const flat = (content) => content.flat(Infinity);
const size = (content) => flat(content).reduce((sum, bytes) => sum + bytes.length, 0);
