"""Depthwise convolution whose gradient is taken in float32: oneDNN's bfloat16 one is five times slower on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Float32Gradient(torch.autograd.Function):
    """Forward as it comes; backward through `convolution_backward` on float32, channels last."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: list[int], padding: list[int], groups: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, groups
        return torch.nn.functional.conv2d(x, weight.to(x.dtype), None, stride, padding, 1, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        x, weight = ctx.saved_tensors
        stride, padding, groups = ctx.geometry
        last = torch.channels_last
        dx, dw, _ = torch.ops.aten.convolution_backward(
            gradients[0].float().contiguous(memory_format=last), x.float().contiguous(memory_format=last),
            weight.float(), None, stride, padding, [1, 1], False, [0, 0], groups, [True, True, False],
        )  # fmt: skip
        return dx.to(x.dtype), dw.to(weight.dtype), None, None, None


class DepthwiseConv2d(nn.Conv2d):
    """One filter a channel, no bias while it trains; same result as `nn.Conv2d` with as many groups."""

    def forward(self, x: Tensor) -> Tensor:
        half = x.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
        if not (half and x.device.type == "cpu" and torch.is_grad_enabled()):
            return super().forward(x)
        stride, padding = list(self.stride), [int(p) for p in self.padding]
        y: Tensor = _Float32Gradient.apply(  # type: ignore[no-untyped-call]
            x.bfloat16(), self.weight, stride, padding, self.groups
        )
        return y if self.bias is None else y + self.bias.to(y.dtype).view(1, -1, 1, 1)
