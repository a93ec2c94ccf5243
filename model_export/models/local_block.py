"""ConvNeXt's block (Liu et al. 2022), channels last, of segserve-lite's encoder and decoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.depthwise import DepthwiseConv2d


class Rows(nn.Linear):
    """On [..., C] as the rows of one matrix: of that ONNX Runtime adds the bias within the product."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, -2)).view(*x.shape[:-1], -1)


class LocalBlock(nn.Module):
    """Depthwise convolution, norm, expansion, projection, residual on [B, h, w, C]; starts as the identity. ReLU, for
    ConvNeXt's GELU takes a fifth of the decoder's time in WebAssembly."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = DepthwiseConv2d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.expand = Rows(dim, 2 * dim)
        self.project = Rows(2 * dim, dim)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        result: Tensor = x + self.project(F.relu(self.expand(self.norm(y))))
        return result
