"""Condition a network's weights, train a little, and fold the scaling away."""

import torch

import condlab
from condlab.nn import condition, effective_weights, fold

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
)
condition(net, "row", layers=["0"])
optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(64, 8)
y = x.prod(dim=1, keepdim=True)
for _ in range(20):
    optimiser.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimiser.step()
W = effective_weights(net)["0"].detach()
print(f"loss {loss.item():.3f}, kappa of the first layer {condlab.cond(W):.3g}")
print("lengths of its rows:", W.norm(dim=1)[:4].tolist())
same = torch.equal(fold(net)(x), net(x))
print("folded into plain layers:", same or "up to rounding")
