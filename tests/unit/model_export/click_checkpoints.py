"""Checkpoints of RITM and FocalClick with random weights under the names that the authors give their tensors.

Written from the published layouts alone, not from Segserve's renaming. As in `random_checkpoints` every matrix keeps
the size of what goes through it; what clicks add is as large as what the picture gives, so that masks follow both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from tests.unit.model_export.random_checkpoints import Layout, Tensors

NET = "feature_extractor"
REFINED = 32
MODULES = {True: (1, 3, 2), False: (1, 4, 3)}  # of stages 2 to 4; True: the small HRNet
Config = Mapping[str, object]


class ClickLayout(Layout):
    def batch_norm(self, name: str, width: int) -> None:
        self.norm(name, width)
        self.normal(f"{name}.running_mean", width)
        self.tensors[f"{name}.running_var"] = 0.5 + torch.rand(width, generator=self._random)
        self.tensors[f"{name}.num_batches_tracked"] = torch.tensor(1000)

    def pair(self, name: str, inputs: int, outputs: int, kernel: int, *, bias: bool = False) -> None:
        self.conv(f"{name}.0", inputs, outputs, kernel, bias=bias)
        self.batch_norm(f"{name}.1", outputs)

    def nested_pair(self, name: str, place: int, inputs: int, outputs: int) -> None:
        """A 1x1 convolution and, in a sequence of its own, its norm."""
        self.conv(f"{name}.{place}", inputs, outputs, 1, bias=False)
        self.batch_norm(f"{name}.{place + 1}.0", outputs)

    def numbered(self, name: str, number: int, inputs: int, outputs: int, kernel: int) -> None:
        self.conv(f"{name}.conv{number}", inputs, outputs, kernel, bias=False)
        self.batch_norm(f"{name}.bn{number}", outputs)

    def separable(self, name: str) -> None:
        self.conv(f"{name}.conv3x3", REFINED, REFINED, 3, groups=REFINED)
        self.conv(f"{name}.conv1x1", REFINED, REFINED, 1)
        self.batch_norm(f"{name}.norm", REFINED)


def hrnet(layout: ClickLayout, width: int, context: int, *, small: bool) -> None:
    """`maps_transform.*` and `feature_extractor.*`."""
    blocks, widths = 2 if small else 4, [width, 2 * width, 4 * width, 8 * width]
    layout.conv("maps_transform.0", 3, 16, 1)
    layout.conv("maps_transform.2", 16, 64, 3)
    layout.tensors["maps_transform.3.scale"] = torch.tensor([-2.0])  # its absolute value counts
    layout.numbered(NET, 1, 3, 64, 3)
    layout.numbered(NET, 2, 64, 64, 3)
    for k in range(blocks):
        block = f"{NET}.layer1.{k}"
        layout.numbered(block, 1, 256 if k else 64, 64, 1)
        layout.numbered(block, 2, 64, 64, 3)
        layout.numbered(block, 3, 64, 256, 1)
    layout.pair(f"{NET}.layer1.0.downsample", 64, 256, 1)
    layout.pair(f"{NET}.transition1.0", 256, width, 3)
    layout.pair(f"{NET}.transition1.1.0", 256, 2 * width, 3)
    layout.pair(f"{NET}.transition2.2.0", 2 * width, 4 * width, 3)
    layout.pair(f"{NET}.transition3.3.0", 4 * width, 8 * width, 3)
    for stage, count in zip((2, 3, 4), MODULES[small], strict=True):
        for module in range(count):
            exchange(layout, f"{NET}.stage{stage}.{module}", widths[:stage], blocks)
    head(layout, sum(widths), context)


def exchange(layout: ClickLayout, name: str, widths: Sequence[int], blocks: int) -> None:
    for branch, width in enumerate(widths):
        for k in range(blocks):
            layout.numbered(f"{name}.branches.{branch}.{k}", 1, width, width, 3)
            layout.numbered(f"{name}.branches.{branch}.{k}", 2, width, width, 3)
    for target, outputs in enumerate(widths):
        for source, inputs in enumerate(widths):
            path = f"{name}.fuse_layers.{target}.{source}"
            if source > target:
                layout.pair(path, inputs, outputs, 1)
            for step in range(target - source):
                layout.pair(f"{path}.{step}", inputs, outputs if step == target - source - 1 else inputs, 3)


def head(layout: ClickLayout, channels: int, context: int) -> None:
    inner, block = 2 * context, f"{NET}.ocr_distri_head.object_context_block"
    layout.pair(f"{NET}.conv3x3_ocr", channels, inner, 3, bias=True)
    for part in ("f_pixel", "f_object"):
        layout.nested_pair(f"{block}.{part}", 0, inner, context)
        layout.nested_pair(f"{block}.{part}", 2, context, context)
    layout.nested_pair(f"{block}.f_down", 0, inner, context)
    layout.nested_pair(f"{block}.f_up", 0, context, inner)
    layout.nested_pair(f"{NET}.ocr_distri_head.conv_bn_dropout", 0, 2 * inner, inner)
    layout.conv(f"{NET}.cls_head", inner, 1, 1)
    layout.pair(f"{NET}.aux_head", channels, channels, 1, bias=True)
    layout.conv(f"{NET}.aux_head.3", channels, 1, 1)


def refiner(layout: ClickLayout, channels: int) -> None:
    for name, inputs, kernel in (("image_conv1", 6, 3), ("refine_fusion", channels, 1)):
        layout.conv(f"refiner.{name}.conv", inputs, REFINED, kernel)
        layout.batch_norm(f"refiner.{name}.norm", REFINED)
    for name in ("image_conv2", "image_conv3", "refine_fusion2", "refine_fusion3"):
        layout.separable(f"refiner.{name}")
    layout.conv("refiner.refine_pred", REFINED, 1, 3)
    layout.conv("refiner.refine_trimap", REFINED, 1, 3)


def ritm(width: int, context: int, *, small: bool = False, seed: int = 1) -> Tensors:
    layout = ClickLayout(seed)
    hrnet(layout, width, context, small=small)
    return layout.tensors


def focal_hrnet(width: int, context: int, *, small: bool = False, seed: int = 1) -> Tensors:
    layout = ClickLayout(seed)
    hrnet(layout, width, context, small=small)
    refiner(layout, 2 * context)
    return layout.tensors


def focal_segformer(widths: Sequence[int], depths: Sequence[int], channels: int, seed: int = 1) -> Tensors:
    """The unused `maps_transform` and `feature_gate` included."""
    layout, body = ClickLayout(seed), f"{NET}.backbone"
    for number, (width, depth) in enumerate(zip(widths, depths, strict=True), 1):
        inputs, ratio = (3, *widths)[number - 1], (8, 4, 2, 1)[number - 1]
        layout.conv(f"{body}.patch_embed{number}.proj", inputs, width, 7 if number == 1 else 3)
        layout.norm(f"{body}.patch_embed{number}.norm", width)
        for k in range(depth):
            block = f"{body}.block{number}.{k}"
            layout.norm(f"{block}.norm1", width)
            layout.linear(f"{block}.attn.q", width, width)
            layout.linear(f"{block}.attn.kv", width, 2 * width)
            layout.linear(f"{block}.attn.proj", width, width)
            if ratio > 1:
                layout.conv(f"{block}.attn.sr", width, width, ratio)
                layout.norm(f"{block}.attn.norm", width)
            layout.norm(f"{block}.norm2", width)
            layout.linear(f"{block}.mlp.fc1", width, 4 * width)
            layout.conv(f"{block}.mlp.dwconv.dwconv", 4 * width, 4 * width, 3, groups=4 * width)
            layout.linear(f"{block}.mlp.fc2", 4 * width, width)
        layout.norm(f"{body}.norm{number}", width)
        layout.linear(f"{NET}.decode_head.linear_c{number}.proj", width, channels)
    layout.conv(f"{body}.patch_embed_side1.proj", 3, widths[0], 7)
    layout.norm(f"{body}.patch_embed_side1.norm", widths[0])
    layout.conv(f"{NET}.decode_head.linear_fuse.conv", 4 * channels, channels, 1, bias=False)
    layout.batch_norm(f"{NET}.decode_head.linear_fuse.bn", channels)
    layout.conv(f"{NET}.decode_head.linear_pred", channels, 1, 1)
    refiner(layout, channels)
    layout.conv("refiner.feature_gate.0", REFINED, 1, 1)
    layout.conv("maps_transform.0", 3, 16, 3)
    layout.conv("maps_transform.2", 16, 32, 3)
    layout.normal("maps_transform.3.scale", 1)
    return layout.tensors


def simple_click(width: int, depth: int, seed: int = 1) -> Tensors:
    """At 448 pixels. The class token, the classifier and the finer output, all unused, included."""
    layout = ClickLayout(seed)
    layout.conv("patch_embed_coords.proj", 3, width, 16)
    layout.normal("backbone.cls_token", 1, 1, width)
    layout.normal("backbone.pos_embed", 1, 28 * 28 + 1, width)
    layout.conv("backbone.patch_embed.proj", 3, width, 16)
    for k in range(depth):
        block = f"backbone.blocks.{k}"
        layout.norm(f"{block}.norm1", width)
        layout.norm(f"{block}.norm2", width)
        layout.linear(f"{block}.attn.qkv", width, 3 * width)
        layout.linear(f"{block}.attn.proj", width, width)
        layout.linear(f"{block}.mlp.fc1", width, 4 * width)
        layout.linear(f"{block}.mlp.fc2", 4 * width, width)
    layout.norm("backbone.fc_norm", width)
    layout.linear("backbone.head", width, 1000)
    half, double = width // 2, 2 * width
    raised(layout, "neck.down_4.0", width, max(256, half))
    raised(layout, "neck.down_4.3", max(256, half), max(256, half) // 2)
    raised(layout, "neck.down_8.0", width, max(256, half))
    for name, inputs, outputs, kernel in (
        ("neck.down_4.5", max(256, half) // 2, 128, 1), ("neck.down_8.2", max(256, half), 256, 1),
        ("neck.down_16.0", width, 512, 1), ("neck.down_32.0", width, max(1024, double), 2),
        ("neck.down_32.2", max(1024, double), 1024, 1),
    ):  # fmt: skip
        layout.conv(name, inputs, outputs, kernel)
        layout.norm(following(name), outputs)
    for k, inputs in enumerate((128, 256, 512, 1024)):
        layout.conv(f"head.convs.{k}.conv", inputs, 256, 1)
    layout.conv("head.fusion_conv.conv", 1024, 256, 1)
    layout.conv("head.conv_seg", 256, 1, 1)
    for up, inputs in (("head.up_conv1", 256), ("head.up_conv2", 128)):
        raised(layout, f"{up}.0", inputs, inputs // 2)
        layout.conv(f"{up}.2", inputs // 2, inputs // 2, 1)
        layout.norm(f"{up}.3", inputs // 2)
    return layout.tensors


def following(name: str) -> str:
    """The place behind `name` in its sequence."""
    place, number = name.rsplit(".", 1)
    return f"{place}.{int(number) + 1}"


def raised(layout: ClickLayout, name: str, inputs: int, outputs: int) -> None:
    layout.transposed(name, inputs, outputs)
    layout.norm(following(name), outputs)


def saved(tensors: Tensors, class_path: str, **params: object) -> dict[str, object]:
    """What the authors' training writes: the weights, and the names and arguments of the class as plain strings."""
    told = {name: {"type": "builtin", "value": value, "specified": True} for name, value in params.items()}
    told["norm_layer"] = {"type": "class", "value": "torch.nn.modules.batchnorm.BatchNorm2d", "specified": False}
    return {"state_dict": tensors, "config": {"class": class_path, "params": told}}
