"""The two graphs of an interactive bundle as ONNX (docs/bundle-format.md)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_export.export.graphs import to_onnx
from model_export.models.click_network import CLICK_CHANNELS, ClickNetwork, RefineStage

COARSE_INPUTS = ("pixels", "clicks", "previous_mask")
LOGITS = "logits"


def refine_inputs(model: ClickNetwork) -> tuple[str, ...]:
    return "pixels", "clicks", "coarse_logits", *model.feature_shapes, "focus_box"


def example_crops(model: ClickNetwork, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """pixels, disks and a mask; nothing in the graph may depend on their values."""
    size = model.input_size
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    disks = torch.zeros(batch, CLICK_CHANNELS, size, size)
    disks[:, 0, 20:30, 20:30] = 1
    return pixels, disks, torch.zeros(batch, 1, size, size)


def coarse_onnx(model: ClickNetwork) -> torch.onnx.ONNXProgram:
    batch = {0: "B"}
    outputs = (LOGITS, *model.feature_shapes)
    return to_onnx(model.coarse, example_crops(model, 2), COARSE_INPUTS, outputs, (batch,) * len(COARSE_INPUTS))


class FlatRefine(nn.Module):
    """The refinement with every input by position, as the exporter needs it; one feature map or none."""

    def __init__(self, refine: RefineStage) -> None:
        super().__init__()
        self.refine = refine


class WithFeatures(FlatRefine):
    def forward(self, pixels: Tensor, clicks: Tensor, coarse_logits: Tensor, features: Tensor, box: Tensor) -> Tensor:
        result: Tensor = self.refine(pixels, clicks, coarse_logits, features, box)
        return result


class WithoutFeatures(FlatRefine):
    def forward(self, pixels: Tensor, clicks: Tensor, coarse_logits: Tensor, box: Tensor) -> Tensor:
        result: Tensor = self.refine(pixels, clicks, coarse_logits, box)
        return result


def refine_onnx(model: ClickNetwork) -> torch.onnx.ONNXProgram | None:
    """None where the network has one stage. Raises ValueError for more than one feature map."""
    if model.refine is None:
        return None
    if len(model.feature_shapes) > 1:
        raise ValueError(f"the refinement takes {len(model.feature_shapes)} feature maps; the exporter knows one")
    pixels, clicks, _ = example_crops(model, 2)
    logits = torch.randn(2, 1, *model.coarse_shape)
    features = [torch.randn(2, *shape) for shape in model.feature_shapes.values()]
    box = torch.tensor([[10.0, 20.0, 200.0, 180.0], [0.0, 0.0, 64.0, 80.0]])
    module = WithFeatures(model.refine) if features else WithoutFeatures(model.refine)
    names = refine_inputs(model)
    return to_onnx(module, (pixels, clicks, logits, *features, box), names, (LOGITS,), ({0: "B"},) * len(names))
