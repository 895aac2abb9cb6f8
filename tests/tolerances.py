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
