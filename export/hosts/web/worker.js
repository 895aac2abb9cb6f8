/** Keeps a model away from the page, so that the page answers while a frame is made. */
import { Model } from "./model.js";
import { Problem } from "./problem.js";

let model;

const answers = {
  async open({ bytes, name, device }) {
    model = await Model.open(bytes, name, device);
    return model.where;
  },
  frame: ({ frame0, frame1, tau }) => model.frame(frame0, frame1, tau),
};

self.onmessage = async ({ data: { question, ...details } }) => {
  try {
    self.postMessage({ answer: await answers[question](details) });
  } catch (error) {
    self.postMessage({ message: String(error?.message ?? error), isProblem: error instanceof Problem });
  }
};
