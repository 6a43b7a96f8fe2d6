"""Follow the conditioning of a network's layers while it trains."""

import torch

from condlab.nn import Monitor

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2)
)
optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
seen = []
monitor = Monitor(net, what=["kappa", "row_spread"], every=10, sinks=[seen.append])
x = torch.randn(256, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
for _ in range(30):
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimiser.step()
    monitor.step()
for record in seen:
    print(record)
