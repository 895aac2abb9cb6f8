/** The canvas, the slider under it and what they say: shows a SlowMotion, plays it, lets a hand scrub it. */

const COLOURS = { source: "#7fa8d9", made: "#f2b35c", missing: "#333a45" };
const NAMES = { source: "Source frame", made: "New frame", missing: "Not made yet" };

/** `1/4 of the way from 4 to 5`; `tau` is a whole number of eighths. */
function way(tau, from) {
  let [part, parts] = [8 * tau, 8];
  for (; part % 2 === 0; parts /= 2) part /= 2;
  return `${part}/${parts} of the way from ${from} to ${from + 1}`;
}

export class Player {
  /** `parts` are the elements screen, caption, track, scrub, time, play and compare. */
  constructor(parts) {
    Object.assign(this, parts);
    this.motion = null;
    this.index = 0;
    this.slower = 1;
    this.scrub.addEventListener("input", () => (this.pause(), this.show(Number(this.scrub.value))));
    this.play.addEventListener("click", () => this.toggle());
    this.compare.addEventListener("click", () => this.toggleOriginal());
    new ResizeObserver(() => this.drawTrack()).observe(this.track);
  }

  get comparing() {
    return this.compare.getAttribute("aria-pressed") === "true";
  }

  get playing() {
    return this.play.classList.contains("playing");
  }

  /** Shows `motion` from now on, at the moment that was shown before if there is one. */
  open(motion, moment = 0) {
    this.motion = motion;
    this.scrub.max = motion.length - 1;
    this.drawTrack();
    this.show(motion.at(moment + 1e-6));
  }

  /** Seconds of the source that are shown. */
  get moment() {
    return this.motion?.seconds(this.index) ?? 0;
  }

  /** The picture on the canvas: the new frame, or while comparing the source frame before it. */
  get picture() {
    return this.comparing ? this.motion.frames[this.motion.place(this.index).pair] : this.motion.picture(this.index);
  }

  show(index) {
    this.index = index;
    const { motion, screen, picture } = this;
    if (screen.width !== picture.width || screen.height !== picture.height) {
      screen.width = picture.width;
      screen.height = picture.height;
    }
    screen.getContext("2d").putImageData(picture, 0, 0);
    const kind = this.comparing ? "source" : motion.kind(index);
    const { pair, tau } = motion.place(index);
    const name = this.comparing && tau ? "Original, held" : NAMES[kind];
    const between = tau && !this.comparing;
    this.caption.className = kind;
    this.caption.textContent = `${name} · ${between ? way(tau, pair + 1) : pair + 1}`;
    this.time.textContent = `${(this.slower * motion.seconds(index)).toFixed(2)} s`;
    this.scrub.value = index;
    this.scrub.setAttribute("aria-valuetext", `${index + 1} of ${motion.length}, ${this.caption.textContent}`);
  }

  /** Says that more frames are made: the one under the slider may be among them. */
  refresh() {
    this.drawTrack();
    if (!this.playing) this.show(this.index);
  }

  drawTrack() {
    const { track, motion } = this;
    if (!motion || !track.clientWidth) return;
    track.width = track.clientWidth * devicePixelRatio;
    track.height = track.clientHeight * devicePixelRatio;
    const context = track.getContext("2d");
    const cell = track.width / motion.length;
    const space = cell > 5 * devicePixelRatio ? devicePixelRatio : 0;
    for (let index = 0; index < motion.length; index++) {
      context.fillStyle = COLOURS[motion.kind(index)];
      context.fillRect(index * cell, 0, cell - space, track.height);
    }
    // The slider's thumb, 8 pixels wide, stands in the middle of its cell.
    const margin = track.clientWidth / motion.length / 2 - 4;
    Object.assign(this.scrub.style, { marginInline: `${margin}px`, width: `calc(100% - ${2 * margin}px)` });
  }

  toggleOriginal() {
    this.compare.setAttribute("aria-pressed", String(!this.comparing));
    this.show(this.index);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.start();
  }

  pause() {
    this.play.classList.remove("playing");
    this.play.setAttribute("aria-label", "Play");
  }

  /** Plays round and round from where it stands. */
  start() {
    this.play.classList.add("playing");
    this.play.setAttribute("aria-label", "Pause");
    if (this.index === this.motion.length - 1) this.show(0);
    let before = performance.now();
    let seconds = this.moment;
    const step = (now) => {
      if (!this.playing) return;
      seconds = (seconds + (now - before) / 1000 / this.slower) % this.motion.end;
      before = now;
      const index = this.motion.at(seconds);
      if (index !== this.index) this.show(index);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}
