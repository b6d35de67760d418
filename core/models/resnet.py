"""Residual networks with 18 to 152 layers, their parts named as torchvision names them.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015), table 1;
the stride of a bottleneck block sits on its 3x3 convolution, as in torchvision's.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture, OutputStride, Preprocessing
from core.models.weights import PLANS, STAGE_WIDTHS, STEM_WIDTH, Plan, block_steps
from core.runtime.paddle import F, nn, paddle
from core.runtime.threads import BUILDING


def place_of(network: Any) -> Any:
    """Return the device that the network computes on.

    Paddle's current device is one for the whole process: a model opened elsewhere in it
    changes it under a training that runs.
    """
    return next(iter(network.parameters())).place


def to_input(images: NDArray[np.uint8], preprocessing: Preprocessing, place: Any = None) -> Any:
    """Scale a batch to the network's input: `(x / 255 - mean) / std`, grey repeated thrice.

    Bytes travel to the device and become floats there: a quarter of the traffic.

    Args:
        images: (N, S, S) or (N, S, S, 3), 0..255.
        preprocessing: Mean and standard deviation of all channels.
        place: The network's, from `place_of`; None takes Paddle's current device.

    Returns:
        A float32 tensor (N, 3, S, S).
    """
    values = paddle.to_tensor(np.ascontiguousarray(images), place=place).astype("float32")
    slope = 1.0 / (255.0 * preprocessing.std)
    values = values * slope - preprocessing.mean / preprocessing.std
    if values.ndim == 3:
        n, height, width = values.shape
        return values.unsqueeze(1).expand([n, 3, height, width])  # (N, 1, S, S) -> (N, 3, S, S)
    return values.transpose([0, 3, 1, 2])  # (N, S, S, 3) -> (N, 3, S, S)


class BatchNorm(nn.BatchNorm2D):
    """Paddle's batch norm without the warning that it gives at every training step."""

    def set_momentum(self, momentum: float) -> None:
        """Set what a training step keeps of the running statistics, in [0, 1]."""
        self._momentum = momentum

    def forward(self, x: Any) -> Any:
        return F.batch_norm(
            x,
            self._mean,
            self._variance,
            weight=self.weight,
            bias=self.bias,
            training=self.training,
            momentum=self._momentum,
            epsilon=self._epsilon,
        )


def _convolution(n_in: int, n_out: int, size: int, stride: int = 1, dilation: int = 1) -> Any:
    """A convolution without bias that keeps H and W (at stride 1).

    Weights are drawn with standard deviation sqrt(2 / fan_out): He et al., "Delving Deep
    into Rectifiers" (2015), eq. 14.
    """
    he_normal = nn.initializer.Normal(0.0, math.sqrt(2.0 / (n_out * size * size)))
    return nn.Conv2D(
        n_in,
        n_out,
        size,
        stride=stride,
        padding=size // 2 * dilation,
        dilation=dilation,
        weight_attr=he_normal,
        bias_attr=False,
    )


def _shortcut(n_in: int, n_out: int, stride: int) -> Any:
    """Bring a block's input to its output's shape; None where it already has it."""
    if stride == 1 and n_in == n_out:
        return None
    return nn.Sequential(_convolution(n_in, n_out, 1, stride), BatchNorm(n_out))


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and a shortcut: the block of ResNet 18 and 34.

    Args:
        n_in: Channels before the block.
        width: Channels inside.
        n_out: Channels behind it.
        stride: Of the first convolution.
        dilations: Of the first convolution and of what follows it in the block.
    """

    def __init__(
        self, n_in: int, width: int, n_out: int, stride: int, dilations: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv1 = _convolution(n_in, width, 3, stride, dilations[0])
        self.bn1 = BatchNorm(width)
        self.conv2 = _convolution(width, n_out, 3, dilation=dilations[1])
        self.bn2 = BatchNorm(n_out)
        self.downsample = _shortcut(n_in, n_out, stride)

    def forward(self, x: Any) -> Any:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))  # (N, n_in, h, w) -> (N, width, h/stride, w/stride)
        x = self.bn2(self.conv2(x))
        return F.relu(x + shortcut)


class Bottleneck(nn.Layer):
    """A 3x3 convolution between two 1x1 and a shortcut: the block of ResNet 50, 101 and 152.

    Arguments as of `BasicBlock`.
    """

    def __init__(
        self, n_in: int, width: int, n_out: int, stride: int, dilations: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv1 = _convolution(n_in, width, 1)
        self.bn1 = BatchNorm(width)
        self.conv2 = _convolution(width, width, 3, stride, dilations[0])
        self.bn2 = BatchNorm(width)
        self.conv3 = _convolution(width, n_out, 1)
        self.bn3 = BatchNorm(n_out)
        self.downsample = _shortcut(n_in, n_out, stride)

    def forward(self, x: Any) -> Any:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))  # (N, n_in, h, w) -> (N, width, h, w)
        x = F.relu(self.bn2(self.conv2(x)))  # -> (N, width, h/stride, w/stride)
        x = self.bn3(self.conv3(x))  # -> (N, n_out, h/stride, w/stride)
        return F.relu(x + shortcut)


class ResNet(nn.Layer):
    """Stem, four stages of residual blocks, global average, one linear layer.

    Accepts any image of at least 32 x 32 pixels.

    Args:
        plan: Number and kind of its blocks.
        n_classes: Length C of the logits.
        output_stride: 32, or 16: then the last stage keeps the size of the one before it, its
            filters are spread instead (Yu, Koltun and Funkhouser, "Dilated Residual Networks",
            CVPR 2017), and the last feature map has four times as many places. The tensors are
            the same.
    """

    def __init__(self, plan: Plan, n_classes: int, output_stride: OutputStride = 32) -> None:
        super().__init__()
        self.conv1 = _convolution(3, STEM_WIDTH, 7, stride=2)
        self.bn1 = BatchNorm(STEM_WIDTH)
        self.maxpool = nn.MaxPool2D(3, stride=2, padding=1)
        block = Bottleneck if plan.is_bottleneck else BasicBlock
        n_channels = STEM_WIDTH
        for stage, (width, n_blocks) in enumerate(
            zip(STAGE_WIDTHS, plan.n_blocks, strict=True), start=1
        ):
            n_out = width * plan.expansion
            blocks = []
            for index in range(n_blocks):
                stride, dilations = block_steps(stage, index, output_stride)
                blocks.append(block(n_channels, width, n_out, stride, dilations))
                n_channels = n_out
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        # The range of torchvision's linear layer, for weights and bias alike.
        bound = 1.0 / math.sqrt(n_channels)
        self.fc = nn.Linear(
            n_channels,
            n_classes,
            weight_attr=nn.initializer.Uniform(-bound, bound),
            bias_attr=nn.initializer.Uniform(-bound, bound),
        )

    def freeze_backbone(self) -> None:
        """Let only the last layer learn; in evaluation mode the statistics stay as well."""
        for name, parameter in self.named_parameters():
            if not name.startswith("fc."):
                parameter.stop_gradient = True

    def features(self, x: Any) -> Any:
        """The last feature map, shape (N, F, h, w), from images of shape (N, 3, H, W).

        h and w are H and W by the output stride, rounded up; F is 512 or, with bottlenecks, 2048.
        """
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 3, H, W) -> (N, 64, H/2, W/2)
        x = self.maxpool(x)  # -> (N, 64, H/4, W/4)
        x = self.layer1(x)  # -> (N, 64 e, H/4, W/4), e = 1 or, with bottlenecks, 4
        x = self.layer2(x)  # -> (N, 128 e, H/8, W/8)
        x = self.layer3(x)  # -> (N, 256 e, H/16, W/16)
        return self.layer4(x)  # -> (N, 512 e, H/32, W/32), or as large as before it

    def forward(self, x: Any) -> Any:
        """Logits, shape (N, C), from images of shape (N, 3, H, W), float32."""
        return self.classify(self.features(x))

    def classify(self, maps: Any) -> Any:
        """Logits, shape (N, C), from the last feature maps, shape (N, F, h, w)."""
        return self.fc(maps.mean(axis=[2, 3]))  # (N, F, h, w) -> (N, F) -> (N, C)


def build_resnet(
    architecture: Architecture, n_classes: int, output_stride: OutputStride = 32
) -> ResNet:
    """Build a freshly initialised network; `paddle.seed` decides its weights.

    Args:
        architecture: One of `core.config.ARCHITECTURES`.
        n_classes: Length C of the logits.
        output_stride: See `ResNet`.
    """
    with BUILDING:
        return ResNet(PLANS[architecture], n_classes, output_stride)
