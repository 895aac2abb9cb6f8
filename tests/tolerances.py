"""How near is near enough, each number with its reason."""

# ---- samples --------------------------------------------------------------------------------------------------------

SAMPLE_CLIP_PSNR = 32.0
"""dB between a drawn picture and the same frame of the committed clip: H.264 at CRF 18 and halved chroma lie between
them (34.3 to 35.6 measured). Half a frame too late gives 24.3 at most."""
