"""Flow matching: a path from noise to data, the loss that teaches a network its velocity, solvers that follow it.

    from vfi_flow.flow_matching import objective, schedule, solver

    for x_1 in batches:                                                             # data, (B, ...)
        objective.flow_matching_loss(network, x_1, schedule.sample_uniform(len(x_1))).backward()
        optimiser.step(), optimiser.zero_grad()
    samples = solver.midpoint(network, torch.randn(2000, 2), schedule.uniform_times(4))

`network(x, t)` returns a velocity like x; t is (B,) in training and a number in the solver.
`samples/learn_distributions.py` is a whole program of this kind.
"""
