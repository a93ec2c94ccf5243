"""RITM and FocalClick spelt out in float64 on the authors' tensors, as their papers and public code compute."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.unit.model_export.click_checkpoints import MODULES, NET
from tests.unit.model_export.random_checkpoints import Tensors

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def conv(t: Tensors, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    weight = t[f"{name}.weight"]
    padding = 0 if weight.shape[-1] == stride else weight.shape[-1] // 2
    return F.conv2d(x, weight, t.get(f"{name}.bias"), stride, padding, groups=groups)


def batch_norm(t: Tensors, name: str, x: Tensor) -> Tensor:
    stats = (t[f"{name}.running_mean"], t[f"{name}.running_var"])
    return F.batch_norm(x, *stats, t[f"{name}.weight"], t[f"{name}.bias"])


def pair(t: Tensors, name: str, x: Tensor, stride: int = 1) -> Tensor:
    return batch_norm(t, f"{name}.1", conv(t, f"{name}.0", x, stride))


def numbered(t: Tensors, name: str, number: int, x: Tensor, stride: int = 1) -> Tensor:
    return batch_norm(t, f"{name}.bn{number}", conv(t, f"{name}.conv{number}", x, stride))


def nested(t: Tensors, name: str, place: int, x: Tensor) -> Tensor:
    return F.relu(batch_norm(t, f"{name}.{place + 1}.0", conv(t, f"{name}.{place}", x)))


def aligned(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=True)


def size_of(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]


def doubles(tensors: Tensors) -> Tensors:
    return {name: value.double() for name, value in tensors.items()}


def unit_range(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).double() / 255


def normalised(pixels: Tensor) -> Tensor:
    mean, std = (torch.tensor(each).double().view(1, 3, 1, 1) for each in (MEAN, STD))
    return (unit_range(pixels) - mean) / std


def hrnet(t: Tensors, x: Tensor, maps: Tensor, *, small: bool) -> tuple[Tensor, Tensor]:
    """Logits and features at stride 4; x normalised, maps: previous mask, foreground, background."""
    told = F.leaky_relu(conv(t, "maps_transform.0", maps), 0.2)
    told = conv(t, "maps_transform.2", told, 2) * t["maps_transform.3.scale"].abs()
    x = F.relu(numbered(t, NET, 1, x, 2)) + told
    x = F.relu(numbered(t, NET, 2, x, 2))
    blocks = 2 if small else 4
    for k in range(blocks):
        block = f"{NET}.layer1.{k}"
        y = F.relu(numbered(t, block, 1, x))
        y = numbered(t, block, 3, F.relu(numbered(t, block, 2, y)))
        x = F.relu(y + (x if k else pair(t, f"{block}.downsample", x)))
    maps4 = [x]
    for stage, count in zip((2, 3, 4), MODULES[small], strict=True):
        new = F.relu(pair(t, f"{NET}.transition{stage - 1}.{stage - 1}.0", maps4[-1], 2))
        kept = [F.relu(pair(t, f"{NET}.transition1.0", maps4[0]))] if stage == 2 else maps4
        maps4 = [*kept, new]
        for module in range(count):
            maps4 = exchange(t, f"{NET}.stage{stage}.{module}", maps4, blocks)
    joined = torch.cat([maps4[0], *(aligned(each, size_of(maps4[0])) for each in maps4[1:])], 1)
    return context(t, joined)


def exchange(t: Tensors, name: str, maps: list[Tensor], blocks: int) -> list[Tensor]:
    after = []
    for branch, x in enumerate(maps):
        for k in range(blocks):
            block = f"{name}.branches.{branch}.{k}"
            x = F.relu(numbered(t, block, 2, F.relu(numbered(t, block, 1, x))) + x)
        after.append(x)
    fused = []
    for target, own in enumerate(after):
        total = own
        for source, x in enumerate(after):
            path = f"{name}.fuse_layers.{target}.{source}"
            if source > target:
                total = total + aligned(pair(t, path, x), size_of(own))
            elif source < target:
                for step in range(target - source):
                    x = pair(t, f"{path}.{step}", x, 2)
                    x = x if step == target - source - 1 else F.relu(x)
                total = total + x
        fused.append(F.relu(total))
    return fused


def context(t: Tensors, x: Tensor) -> tuple[Tensor, Tensor]:
    """Object context with the attention that the authors compute: of every place to one region."""
    b, _, h, w = x.shape
    guess = conv(t, f"{NET}.aux_head.3", F.relu(pair(t, f"{NET}.aux_head", x)))
    features = F.relu(pair(t, f"{NET}.conv3x3_ocr", x))
    region = (guess.flatten(2).softmax(2) @ features.flatten(2).transpose(1, 2)).transpose(1, 2).unsqueeze(3)
    block = f"{NET}.ocr_distri_head.object_context_block"
    query, key = (
        nested(t, f"{block}.{part}", 2, nested(t, f"{block}.{part}", 0, each))
        for part, each in (("f_pixel", features), ("f_object", region))
    )
    value = nested(t, f"{block}.f_down", 0, region)
    scores = query.flatten(2).transpose(1, 2) @ key.flatten(2) * key.shape[1] ** -0.5
    seen = (scores.softmax(2) @ value.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(b, -1, h, w)
    told = torch.cat([nested(t, f"{block}.f_up", 0, seen), features], 1)
    joined = nested(t, f"{NET}.ocr_distri_head.conv_bn_dropout", 0, told)
    return conv(t, f"{NET}.cls_head", joined), joined


def layer_norm(t: Tensors, name: str, x: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], t[f"{name}.weight"], t[f"{name}.bias"], eps)


def linear(t: Tensors, name: str, x: Tensor) -> Tensor:
    return F.linear(x, t[f"{name}.weight"], t[f"{name}.bias"])


def embedded(t: Tensors, name: str, x: Tensor, stride: int) -> Tensor:
    """[B, C, h, w], normalised over the channels."""
    x = conv(t, f"{name}.proj", x, stride)
    return layer_norm(t, f"{name}.norm", x.permute(0, 2, 3, 1), 1e-5).permute(0, 3, 1, 2)


def segformer(t: Tensors, x: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and features at stride 4."""
    body, stages = f"{NET}.backbone", []
    for number, heads in enumerate((1, 2, 5, 8), 1):
        x = embedded(t, f"{body}.patch_embed{number}", x, 4 if number == 1 else 2)
        b, c, h, w = x.shape
        x, k = x.flatten(2).transpose(1, 2), 0
        while f"{body}.block{number}.{k}.norm1.weight" in t:
            block = f"{body}.block{number}.{k}"
            x = x + attention(t, f"{block}.attn", layer_norm(t, f"{block}.norm1", x, 1e-6), (h, w), heads)
            y = linear(t, f"{block}.mlp.fc1", layer_norm(t, f"{block}.norm2", x, 1e-6))
            y = y.transpose(1, 2).reshape(b, -1, h, w)
            y = conv(t, f"{block}.mlp.dwconv.dwconv", y, groups=y.shape[1]).flatten(2).transpose(1, 2)
            x, k = x + linear(t, f"{block}.mlp.fc2", F.gelu(y)), k + 1
        x = layer_norm(t, f"{body}.norm{number}", x, 1e-6).transpose(1, 2).reshape(b, c, h, w)
        stages.append(x)
        if number == 1:
            x = x + embedded(t, f"{body}.patch_embed_side1", maps, 4)
    projected = []
    for number, x in enumerate(stages, 1):
        y = linear(t, f"{NET}.decode_head.linear_c{number}.proj", x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        projected.append(F.interpolate(y, size_of(stages[0]), mode="bilinear", align_corners=False))
    fused = conv(t, f"{NET}.decode_head.linear_fuse.conv", torch.cat(projected[::-1], 1))
    features = F.relu(batch_norm(t, f"{NET}.decode_head.linear_fuse.bn", fused))
    return conv(t, f"{NET}.decode_head.linear_pred", features), features


def attention(t: Tensors, name: str, x: Tensor, grid: tuple[int, int], heads: int) -> Tensor:
    b, n, c = x.shape

    def split(y: Tensor) -> Tensor:
        return y.reshape(b, -1, heads, c // heads).transpose(1, 2)

    query, source = split(linear(t, f"{name}.q", x)), x
    if f"{name}.sr.weight" in t:
        source = x.transpose(1, 2).reshape(b, c, *grid)
        source = conv(t, f"{name}.sr", source, t[f"{name}.sr.weight"].shape[-1]).flatten(2).transpose(1, 2)
        source = layer_norm(t, f"{name}.norm", source, 1e-5)
    key, value = (split(each) for each in linear(t, f"{name}.kv", source).chunk(2, -1))
    scores = (query @ key.transpose(2, 3)) * (c // heads) ** -0.5
    return linear(t, f"{name}.proj", (scores.softmax(3) @ value).transpose(1, 2).reshape(b, n, c))


def roi_aligned(x: Tensor, box: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """torchvision's roi_align with `aligned`, for regions no larger than `size`: one sample in each cell's middle."""
    h, w = size_of(x)

    def places(low: Tensor, high: Tensor, cells: int, extent: int) -> Tensor:
        steps = (torch.arange(cells).double() + 0.5) / cells
        at = (low + (high - low) * steps) * scale - 0.5
        return (2 * at + 1) / extent - 1

    left, top, right, bottom = box.double()
    rows, columns = places(top, bottom, size[0], h), places(left, right, size[1], w)
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)[None]
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def refined(t: Tensors, pixels: Tensor, disks: Tensor, features: Tensor, logits: Tensor, box: Tensor) -> Tensor:
    """One focus crop: pixels uint8 [1, S, S, 3] (not normalised by the authors), features at the coarse network's
    grid, logits [1, 1, S, S], box [4] in pixels of S."""
    size = size_of(logits)
    seen = roi_aligned(features, box, size_of(features), features.shape[3] / size[1])
    coarse = roi_aligned(logits, box, size, 1.0)

    def block(name: str, x: Tensor, stride: int = 1) -> Tensor:
        return F.relu(batch_norm(t, f"refiner.{name}.norm", conv(t, f"refiner.{name}.conv", x, stride)))

    def separable(name: str, x: Tensor) -> Tensor:
        x = conv(t, f"refiner.{name}.conv1x1", conv(t, f"refiner.{name}.conv3x3", x, groups=x.shape[1]))
        return F.relu(batch_norm(t, f"refiner.{name}.norm", x))

    x = block("image_conv1", torch.cat([unit_range(pixels), disks.double(), coarse.sigmoid()], 1), 2)
    x = separable("image_conv3", separable("image_conv2", x))
    x = x + aligned(block("refine_fusion", seen), size_of(x))
    x = separable("refine_fusion3", separable("refine_fusion2", x))
    gate = aligned(conv(t, "refiner.refine_trimap", x), size).sigmoid()
    return gate * aligned(conv(t, "refiner.refine_pred", x), size) + (1 - gate) * coarse


def simple_click(t: Tensors, x: Tensor, maps: Tensor, heads: int, whole: int) -> Tensor:
    """Logits at stride 4 of SimpleClick at 448; each `whole`-th block sees the whole crop, the others windows."""
    x = conv(t, "backbone.patch_embed.proj", x, 16) + conv(t, "patch_embed_coords.proj", maps, 16)
    c, side = x.shape[1:3]
    x = x + t["backbone.pos_embed"][:, 1:].transpose(1, 2).reshape(1, c, side, side)
    k = 0
    while f"backbone.blocks.{k}.norm1.weight" in t:
        block, window = f"backbone.blocks.{k}", side if (k + 1) % whole == 0 else 14
        out = x.clone()
        for top in range(0, side, window):
            for left in range(0, side, window):
                part = x[:, :, top : top + window, left : left + window]
                seen = vit_block(t, block, part.flatten(2).transpose(1, 2), heads)
                out[:, :, top : top + window, left : left + window] = seen.transpose(1, 2).reshape(part.shape)
        x, k = out, k + 1

    def through(name: str, y: Tensor, steps: str) -> Tensor:
        """A sequence: u doubles, d halves, c is 1x1, n a norm over everything, g GELU."""
        for place, step in enumerate(steps):
            layer = f"{name}.{place}"
            if step == "u":
                y = F.conv_transpose2d(y, t[f"{layer}.weight"], t[f"{layer}.bias"], stride=2)
            elif step in "dc":
                y = conv(t, layer, y, 2 if step == "d" else 1)
            else:
                y = F.gelu(y) if step == "g" else F.group_norm(y, 1, t[f"{layer}.weight"], t[f"{layer}.bias"])
        return y

    steps = {"down_4": "unguncng", "down_8": "uncng", "down_16": "cng", "down_32": "dncng"}
    levels = [
        F.relu(conv(t, f"head.convs.{k}.conv", through(f"neck.{n}", x, s))) for k, (n, s) in enumerate(steps.items())
    ]
    size = size_of(levels[0])
    joined = torch.cat([F.interpolate(y, size, mode="bilinear", align_corners=False) for y in levels], 1)
    return conv(t, "head.conv_seg", F.relu(conv(t, "head.fusion_conv.conv", joined)))


def vit_block(t: Tensors, name: str, x: Tensor, heads: int) -> Tensor:
    b, n, c = x.shape
    qkv = linear(t, f"{name}.attn.qkv", layer_norm(t, f"{name}.norm1", x, 1e-6))
    query, key, value = qkv.reshape(b, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
    seen = ((query @ key.transpose(2, 3)) * (c // heads) ** -0.5).softmax(3) @ value
    x = x + linear(t, f"{name}.attn.proj", seen.transpose(1, 2).reshape(b, n, c))
    return x + linear(
        t, f"{name}.mlp.fc2", F.gelu(linear(t, f"{name}.mlp.fc1", layer_norm(t, f"{name}.norm2", x, 1e-6)))
    )
