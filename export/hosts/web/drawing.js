/** A function that draws a picture or the frame of a video at one size and returns it as ImageData. */
export function drawer(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return (image) => {
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  };
}
