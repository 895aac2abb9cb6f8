/** The page: joins the controls with decoding, the model, the player and the downloads. */
import { HOW_TO_EXPORT } from "./contract.js";
import { png, save, video } from "./download.js";
import { Engine, fetchModel, stepsThere } from "./engine.js";
import { openSource } from "./frames.js";
import { Player } from "./player.js";
import { OutOfMemory, Problem } from "./problem.js";
import { mostFrames, preferredSize, sizesFor } from "./sizes.js";
import { SlowMotion } from "./slow_motion.js";

/** `?model=NAME` takes another model than `base`, `?device=wasm` or `webgpu` another device than the best. */
const ADDRESS = new URLSearchParams(location.search);
const MODEL = ADDRESS.get("model") ?? "base";
const DEVICE = ADDRESS.get("device") ?? "auto";
/** Seconds of a clip that are taken unless somebody asks for more. */
const SHORT = 1;

const $ = (id) => document.getElementById(id);
const chosen = (name) => Number(document.querySelector(`input[name="${name}"]:checked`)?.value);

const player = new Player({
  screen: $("screen"),
  caption: $("caption"),
  track: $("track"),
  scrub: $("scrub"),
  time: $("time"),
  play: $("play"),
  compare: $("compare"),
});
let source = null; // what was dropped
let motion = null; // its frames, and those made between them
let engine = null; // { steps, started: Promise<Engine> }
let job = new AbortController(); // what runs now; the next thing ends it

// ---- what is said ---------------------------------------------------------------------------------------------------

function complain(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Problem)) console.error(error);
  const text = error instanceof Problem ? error.message : `This did not work: ${error.message}`;
  $("problem").querySelector("p").replaceChildren(...withCommands(text));
  $("problem").hidden = false;
}

/** A sentence with its commands set apart. */
function withCommands(text) {
  return text.split(HOW_TO_EXPORT).flatMap((part, i) => {
    if (!i) return [part];
    const code = document.createElement("code");
    code.textContent = HOW_TO_EXPORT;
    return [code, part];
  });
}

function say(text, share = null) {
  $("status").textContent = text;
  $("progress").hidden = share === null;
  if (share !== null) $("progress").value = share;
}

function badge(text, state) {
  $("engine").textContent = text;
  $("engine").className = `badge ${state}`;
}

/** Runs `work(signal)` as the one thing that is going on; what goes wrong is shown. */
async function run(work) {
  job.abort();
  job = new AbortController();
  const { signal } = job;
  $("problem").hidden = true;
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted) say("");
    complain(error);
  } finally {
    if (job.signal === signal) $("stop").hidden = true;
    offer();
  }
}

/** Ends making and saving, as what they work on changes; opening and reading go on. */
function endMaking() {
  if ($("stop").hidden) return;
  job.abort();
  say("");
}

/** Enables what can be done now. */
function offer() {
  const busy = !$("stop").hidden;
  $("make").disabled = !motion || busy || Number.isNaN(chosen("steps")) || motion.missing().length === 0;
  $("results").hidden = !motion || busy || motion.missing().length > 0;
}

// ---- the model ------------------------------------------------------------------------------------------------------

/** The engine with the chosen steps, started if it is not yet. */
function ready() {
  const steps = chosen("steps");
  if (engine?.steps !== steps) {
    engine?.started.then((old) => old.close()).catch(() => {});
    const started = start(steps);
    engine = { steps, started };
    started.catch((error) => {
      if (engine?.started !== started) return;
      engine = null;
      badge("No model", "failed");
      complain(error);
    });
  }
  return engine.started;
}

async function start(steps) {
  badge("Loading the model …", "");
  const model = await fetchModel(MODEL, steps, (share) => badge(`Loading the model, ${Math.round(100 * share)} %`, ""));
  badge("Starting the model …", "");
  const started = await Engine.start(model, DEVICE);
  badge(started.where, "ready");
  $("note").textContent = started.note;
  return started;
}

async function findSteps() {
  const there = await stepsThere(MODEL);
  for (const input of document.querySelectorAll('input[name="steps"]')) {
    input.disabled = !there.includes(Number(input.value));
    input.parentElement.title = input.disabled ? `No file of ${MODEL} with these steps lies beside the page` : "";
    input.checked = Number(input.value) === (there.includes(1) ? 1 : there[0]);
  }
  if (there.length) return ready();
  badge("No model", "failed");
  $("missing").hidden = false;
}

// ---- the source -----------------------------------------------------------------------------------------------------

async function open(files) {
  if (!files.length) return;
  await run(async (signal) => {
    say("Opening …");
    const opened = await openSource(files);
    if (signal.aborted) opened.close();
    signal.throwIfAborted();
    source?.close();
    source = opened;
    describeSource();
    await decode(signal);
  });
}

/** Fills the settings with what the source offers. */
function describeSource() {
  const { width, height, seconds } = source;
  const sizes = sizesFor(width, height);
  const [wide, high] = preferredSize(sizes, seconds === undefined ? Infinity : undefined);
  $("size").replaceChildren(
    ...sizes.map(([w, h]) => new Option(`${w} × ${h}`, `${w}x${h}`, false, w === wide && h === high)),
  );
  $("from").value = 0;
  if (seconds !== undefined) {
    $("from").max = Math.max(0, seconds - 0.1).toFixed(1);
    $("seconds").value = Math.min(SHORT, seconds).toFixed(1);
  }
  for (const row of document.querySelectorAll(".part")) row.hidden = seconds === undefined;
  const tooLarge = sizes[0][0] < width;
  $("hint").dataset.size = tooLarge
    ? `${width}×${height} is too large for a browser; ${sizes[0].join("×")} is the largest offered.`
    : "";
  $("source").hidden = false;
}

async function decode(signal) {
  const [width, height] = $("size").value.split("x").map(Number);
  const most = mostFrames(width, height);
  const wanted = { width, height, from: Number($("from").value), seconds: Number($("seconds").value), most };
  player.pause();
  motion = null;
  offer();
  const { frames, times } = await source.decode(wanted, (share) => say("Reading frames …", share), signal);
  signal.throwIfAborted();
  motion = new SlowMotion(frames, times, chosen("factor"));
  $("drop").hidden = true;
  $("viewer").hidden = $("transport").hidden = $("other").hidden = false;
  const full = frames.length === most ? `More than ${most} frames of this size do not fit. ` : "";
  $("hint").textContent = [$("hint").dataset.size, full].filter(Boolean).join(" ");
  present();
  say(`${frames.length} frames`);
}

/** Shows the slow motion anew: other frames, or another factor. */
function present(moment) {
  player.slower = document.querySelector('input[name="speed"]:checked').value === "slow" ? motion.factor : 1;
  player.open(motion, moment);
}

// ---- making and saving ----------------------------------------------------------------------------------------------

async function make(signal) {
  $("stop").hidden = false;
  offer();
  say("Starting the model …", 0);
  const running = await ready();
  signal.throwIfAborted();
  const indices = motion.missing();
  const began = performance.now();
  for (const [done, index] of indices.entries()) {
    signal.throwIfAborted();
    const left = ((performance.now() - began) / 1000 / done) * (indices.length - done);
    say(`Frame ${done + 1} of ${indices.length}${done ? `, ${duration(left)} left` : ""}`, done / indices.length);
    const { pair, tau } = motion.place(index);
    try {
      const frame = await running.frame(motion.frames[pair], motion.frames[pair + 1], tau);
      signal.throwIfAborted();
      motion.add(index, frame);
    } catch (error) {
      if (error instanceof OutOfMemory) forgetEngine();
      throw error instanceof OutOfMemory ? new Problem(`${error.message} ${chooseSmaller()}`) : error;
    }
    player.refresh();
  }
  const seconds = (performance.now() - began) / 1000;
  say(`${indices.length} ${indices.length === 1 ? "frame" : "frames"} made in ${duration(seconds)}`);
  $("stop").hidden = true;
  offer();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) player.start();
}

function forgetEngine() {
  engine?.started.then((old) => old.close());
  engine = null;
}

function chooseSmaller() {
  const next = $("size").options[$("size").selectedIndex + 1];
  return next ? `Choose a smaller size, such as ${next.text}.` : "Choose a smaller clip.";
}

function duration(seconds) {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

async function saveVideo(signal) {
  $("stop").hidden = false;
  offer();
  const file = await video(motion, player.slower, (share) => say("Encoding …", share), signal);
  save(file, `slow_${motion.factor}x.webm`);
  say("Video saved");
}

async function saveFrame() {
  save(await png(player.picture), `frame_${String(player.index + 1).padStart(4, "0")}.png`);
}

// ---- controls -------------------------------------------------------------------------------------------------------

$("unserved").hidden = true;
$("missing").querySelector("code:last-of-type").textContent = HOW_TO_EXPORT;
$("files").addEventListener("change", () => {
  open([...$("files").files]);
  $("files").value = ""; // the same file may be chosen again
});
$("other").addEventListener("click", () => $("files").click());
for (const type of ["dragover", "dragleave", "drop"])
  addEventListener(type, (event) => {
    event.preventDefault();
    document.querySelector(".stage").classList.toggle("dragging", type === "dragover");
    if (type === "drop") open([...event.dataTransfer.files]);
  });

for (const id of ["size", "from", "seconds"]) $(id).addEventListener("change", () => run(decode));
for (const input of document.querySelectorAll('input[name="factor"]'))
  input.addEventListener("change", () => {
    endMaking();
    if (!motion) return;
    const moment = player.moment;
    motion.factor = chosen("factor");
    present(moment);
    offer();
  });
for (const input of document.querySelectorAll('input[name="steps"]'))
  input.addEventListener("change", () => {
    endMaking();
    $("problem").hidden = true;
    ready().catch(() => {}); // it has been said
    if (!motion) return;
    motion.made.clear();
    player.refresh();
    offer();
  });
for (const input of document.querySelectorAll('input[name="speed"]'))
  input.addEventListener("change", () => present(player.moment));

$("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  run(make);
});
$("stop").addEventListener("click", () => {
  job.abort();
  say("Stopped; what is made is kept");
});
$("save-video").addEventListener("click", () => run(saveVideo));
$("save-frame").addEventListener("click", () => saveFrame().catch(complain));
$("problem").querySelector("button").addEventListener("click", () => ($("problem").hidden = true));

addEventListener("keydown", (event) => {
  if (!motion || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("select, input[type=number], input[type=radio]")) return;
  if (event.key === "o" || event.key === "O") player.toggleOriginal();
  else if (event.key === " " && !event.target.matches("button, label, input[type=file]")) player.toggle();
  else if (event.key === "ArrowRight") go(player.index + 1);
  else if (event.key === "ArrowLeft") go(player.index - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(motion.length - 1);
  else return;
  event.preventDefault();
});

function go(index) {
  player.pause();
  player.show(Math.max(0, Math.min(motion.length - 1, index)));
}

run(findSteps);
