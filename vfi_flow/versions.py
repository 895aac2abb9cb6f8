"""What is installed beside this package."""

from importlib import metadata

PACKAGES = (
    *("numpy", "av", "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-ep-openvino"),
    *("onnxruntime-ep-webgpu", "torch", "kornia", "opencv-python-headless", "onnx"),
)
"""Distributions that a result may depend on."""


def installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
