"""ResNet-18 and -50 in PyTorch, so that the benchmark needs no torchvision (He et al. 2016)."""

import torch
from torch import nn

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


def build(architecture: str, n_classes: int) -> nn.Module:
    """The network with random weights."""
    is_bottleneck = architecture == "resnet50"
    expansion = 4 if is_bottleneck else 1
    layers: list[nn.Module] = [*_convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, n_blocks in enumerate(BLOCKS[architecture]):
        for block in range(n_blocks):
            width = 64 << stage
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(_Block(channels, width, stride, is_bottleneck))
            channels = width * expansion
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes)
    )


class _Block(nn.Module):
    def __init__(self, channels: int, width: int, stride: int, is_bottleneck: bool) -> None:
        super().__init__()
        if is_bottleneck:
            out = 4 * width
            path = [
                *_convolution(channels, width, 1, 1),
                nn.ReLU(),
                *_convolution(width, width, 3, stride),
                nn.ReLU(),
                *_convolution(width, out, 1, 1),
            ]
        else:
            out = width
            path = [
                *_convolution(channels, width, 3, stride),
                nn.ReLU(),
                *_convolution(width, width, 3, 1),
            ]
        self.path = nn.Sequential(*path)
        is_same = channels == out and stride == 1
        self.skip = (
            nn.Identity() if is_same else nn.Sequential(*_convolution(channels, out, 1, stride))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.path(x) + self.skip(x))


def _convolution(channels: int, out: int, kernel: int, stride: int) -> list[nn.Module]:
    padding = kernel // 2
    return [nn.Conv2d(channels, out, kernel, stride, padding, bias=False), nn.BatchNorm2d(out)]
