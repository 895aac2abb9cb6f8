"""How near is near enough, each number with its reason."""

# ---- samples --------------------------------------------------------------------------------------------------------

SAMPLE_CLIP_PSNR = 32.0
"""dB between a drawn picture and the same frame of the committed clip: H.264 at CRF 18 and halved chroma lie between
them (34.3 to 35.6 measured). Half a frame too late gives 24.3 at most."""

# ---- evaluation -----------------------------------------------------------------------------------------------------

SSIM_FLOAT32 = 1e-4
"""The library filters in float32; variances are small differences of squares there (1e-6 measured)."""

LPIPS_FLOAT32 = 1e-4
"""Five convolutions in float32 against the same in float64 (below 1e-5 measured)."""

DIS_TRANSLATION_PSNR = 35.0
"""dB of optical flow on content that only moves sideways: sub-pixel errors of the flow and bilinear sampling (exact in
the interior on whole pixels as measured; versions of OpenCV may differ)."""

MINTERPOLATE_TRANSLATION_PSNR = 45.0
"""dB of ffmpeg's block matching on the same: rounding to YUV and back (51 measured)."""

# ---- training data --------------------------------------------------------------------------------------------------

SYNTHETIC_WARP_PSNR = 28.0
"""dB between the middle and the frames warped to it by the exact flow, where it is trusted: text and edges are
resampled by rendering and by warping (31 to 57 measured by kind and seed; half the flow gives 15 to 39)."""

INVERSE_MOTION_PIXELS = 0.002
"""Residual of the interpolated inverse map for the strongest motion that is drawn: the iteration stops at 0.001 (3e-4
measured)."""

TEACHER_FLOW_PIXELS = 0.1
"""Median error of DIS on a textured pan (0.04 measured)."""

OPENCV_DECODE_LEVELS = 1.5
"""Mean difference in byte levels: both convert from YUV with swscale, maybe of two versions (0 measured)."""

# ---- flow matching --------------------------------------------------------------------------------------------------

ROUNDING_FLOAT64 = 1e-12
"""A few dozen operations on numbers near 1 (below 1e-14 measured)."""

SOLVER_ORDER = 0.15
"""Of the measured order: the next term of the error is still visible at 32 steps (1.02, 2.04, 2.05, 4.05 measured)."""

LEARNED_TO_NOISE_DISTANCE = 0.15
"""Of the distance from noise to two moons, over four seeds: two independent sets of 10,000 true points lie 0.06 to 0.11
apart, four midpoint steps end at 0.08 to 0.12, eight Euler steps of the linear path at 0.33 to 0.39."""

# --- media: colour ---

COLOUR_STEP = 0.1
"""Mean difference, in 8-bit code values, between a frame and itself after the way through RGB; a step of 0.1 between
original and new frames does not show, the 1.1 of swscale's default flags pulses."""

JOINED_RANGES = 0.5
"""Mean difference, in 8-bit code values, of one picture that x264 was given in full and in limited range: swscale
rounds them apart by 0.2. Full range taken for limited is 5 off."""

RGB_OF_ROUNDED_YUV = 2.5
"""Code values: Y, U and V are rounded to integers (half a code value each, times up to 2.1 in limited range), then
RGB."""

DISK_ESTIMATE = 2.0
"""Factor: a few frames are encoded and new ones are taken to cost a tenth (1.3 measured)."""

STRETCHED_NOISE = 7.0
"""Milliseconds of the source by which bursts of noise may lie beside their place in a slow motion (3 to 5 measured)."""

STRETCHED_PITCH = 4.0
"""Hz: what is heard may be 10 ms from its place in the source, where the tone rises by 4 Hz (1.4 measured)."""

JPEG_AGAIN = 0.8
"""Code values that a pixel changes by on average when a JPEG is packed again at the finest setting (0.42 measured)."""

JPEG_LEVEL = 0.05
"""Code values by which its mean may move (0.003 measured)."""

# ---- motion, model, inference, export -------------------------------------------------------------------------------

WARP_FLOAT32 = 1e-5
"""A few products of numbers near 1; coordinates up to 70 carry rounding of 4e-6 (4.3e-6 measured)."""

CORRELATION_FLOAT32 = 1e-5
"""Scalar products of short vectors in another order (1e-6 measured)."""

READOUT_PIXELS = 0.01
"""An expectation leans a little towards the other displacements (4e-4 measured at the sharpness of the tests)."""

LUCAS_KANADE_REST = 0.15
"""Share of a displacement of up to 0.7 pixels that one linear step may leave on average (0.03 to 0.08 measured)."""

BATCH_FLOAT32 = 2e-5
"""In [0, 1]: convolutions sum in another order for another batch (3e-6 measured)."""

BFLOAT16_LEVEL = 2e-4
"""Mean difference in [0, 1] of an untrained network: its flows are a hundredth of a pixel apart (2.4e-5 measured)."""

ENGINES_APART = 0.002
"""Share of values that two engines, 1e-6 apart, round to neighbouring bytes (2e-4 measured)."""

ONNX_FLOAT32 = 5e-5
"""In [0, 1]: two runtimes sum convolutions in other orders, and warps carry it on (6e-6 measured)."""

FP16_PSNR = 90.0
"""dB between convolutions of 11 and of 24 bits in an untrained network (108 to 115 measured)."""

FP16_LOST = 0.1
"""dB of PSNR to the true frame that half precision may cost (0.001 measured)."""

INT8_PSNR = 50.0
"""dB between convolutions of 7 and of 24 bits in an untrained network (62 to 75 measured)."""

# ---- overlays -------------------------------------------------------------------------------------------------------

CAPTION_CRF_23 = 25.0
"""dB of white letters against what was drawn: the encoder's own error in them (31 measured). Torn letters have 4."""

# --- media: animations ---

DITHERED = 6.0
"""Code values by which a pixel is off on average in 256 colours with an even dither (3.1 measured)."""

DITHERED_LEVEL = 0.7
"""Code values by which the mean of such a picture may be off (0.31 measured)."""

# ---- hosts ----------------------------------------------------------------------------------------------------------

HOST_LEVELS = 1
"""Another number of threads or version of ONNX Runtime may sum in another order and round to the neighbouring byte (0
measured)."""

# ---- export: the page in a browser ----------------------------------------------------------------------------------

WEB_FRAME = 45.0
"""dB between frames that WebAssembly and ONNX Runtime make: a few values round to neighbouring bytes."""

WEB_CLIP = 45.0
"""The same after two decoders, which round colours each in their own way (their frames: 55 measured)."""

WEB_VIDEO = 30.0
"""dB after VP9 with halved colours, of a square with hard edges."""
