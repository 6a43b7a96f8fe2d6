"""Small float64 networks of many kinds, and dense references for their Hessians."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from condlab.curvature import make_loss


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        z = self.norm(x)
        x = x + self.attention(z, z, z, need_weights=False)[0]
        return self.head(x.mean(dim=1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 2, batch_first=True)
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Plane(nn.Module):
    """A radiance field's feature plane, read between its points."""

    def __init__(self):
        super().__init__()
        self.plane = nn.Parameter(torch.randn(1, 3, 3, 3))
        self.mlp = nn.Sequential(nn.Linear(3, 3), nn.Softplus(), nn.Linear(3, 1))

    def forward(self, x):
        features = F.grid_sample(self.plane, x[None, None], align_corners=True)
        return self.mlp(features[0, :, 0].T)


def convolutional(norm):
    return nn.Sequential(
        nn.Conv2d(1, 4, 2),
        norm,
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 4),
    )


def batch_normed():
    norm = nn.BatchNorm2d(4)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return convolutional(norm)


def mlp():
    return nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))


NETWORKS = {  # make, shape of the inputs, criterion
    "mlp with cross-entropy": (mlp, (7, 3), nn.CrossEntropyLoss()),
    "mlp with mse": (mlp, (7, 3), nn.MSELoss()),
    "mlp with huber": (mlp, (7, 3), nn.HuberLoss(delta=0.7)),
    "group norm cnn": (
        lambda: convolutional(nn.GroupNorm(2, 4)),
        (7, 1, 4, 4),
        nn.CrossEntropyLoss(),
    ),
    "batch norm cnn": (batch_normed, (7, 1, 4, 4), nn.CrossEntropyLoss()),
    "attention": (Attention, (7, 3, 4), nn.CrossEntropyLoss()),
    "encoder layer": (
        lambda: nn.Sequential(
            nn.TransformerEncoderLayer(4, 2, 4, batch_first=True), nn.Flatten()
        ),
        (7, 2, 4),
        nn.CrossEntropyLoss(),
    ),
    "lstm": (Recurrent, (7, 3, 2), nn.CrossEntropyLoss()),
    "grid_sample": (Plane, (7, 2), nn.MSELoss()),
}


def problem(name, change=None):
    """Return loss, params and three batches of 3, 3 and 1 samples."""
    torch.manual_seed(3)
    make, shape, criterion = NETWORKS[name]
    net = make().double().eval()
    x = torch.randn(shape, dtype=torch.float64)
    if "plane" in dict(net.named_parameters()):
        x = torch.tanh(x)  # grid_sample reads from -1 to 1
    if change is not None:
        change(net)
    with torch.no_grad():
        out = net(x)
    classes = isinstance(criterion, nn.CrossEntropyLoss)
    y = torch.randint(0, out.shape[1], (len(x),)) if classes else torch.randn_like(out)
    loss = make_loss(net, criterion)
    batches = [(x[i:j], y[i:j]) for i, j in ((0, 3), (3, 6), (6, 7))]
    return loss, dict(net.named_parameters()), batches


def dense_hessian(loss, params, batches):
    """Return the Hessian over all samples at once, by torch's own double backward."""
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    names, shapes = list(params), [p.shape for p in params.values()]

    def flat_loss(theta):
        parts = theta.split([s.numel() for s in shapes])
        views = (p.view(s) for p, s in zip(parts, shapes, strict=True))
        return loss(dict(zip(names, views, strict=True)), (x, y))

    theta = torch.cat([p.detach().reshape(-1) for p in params.values()])
    with sdpa_kernel(SDPBackend.MATH):
        return torch.autograd.functional.hessian(flat_loss, theta)
