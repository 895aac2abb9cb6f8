"""The whole integrator with the number of steps as an input: the solver becomes a Loop of the graph."""

import warnings

import torch
from onnx import ModelProto, TensorProto, compose, helper
from torch import Tensor, nn
from vfi_flow.export.graph import IMAGE, NativeGraph, Port, Question
from vfi_flow.export.to_onnx import TRACED_SIZE, trace, traced_module

from vfi_flow.model.network import InterpolationNetwork

CONDITION = ("batch", "condition_channels", "half_height", "half_width")


class LoopGraph(NativeGraph):
    """`native` with one more input, `steps` (1) int64 from 0 up; 0 is the mean. Fixed steps are a little faster."""

    loops = 1
    steps_named = "input"

    def __init__(self, network: InterpolationNetwork, steps: int = 2, halvings: int = 0) -> None:
        """`steps` are those that `feed` asks for."""
        super().__init__(network, steps, halvings)
        self.inputs: tuple[Port, ...] = (*self.inputs, Port("steps", (1,)))

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        return *super().feed(question), torch.tensor([self.steps])

    def traced(self) -> ModelProto:
        """The graph put together from two, for the tracer sees no loop: what is before it, and the loop as a script."""
        before, loop = trace(BeforeLoop(self.network, self.halvings)), trace_solver(self.network)
        for model in (before, loop):
            model.ir_version = max(before.ir_version, loop.ir_version)
        loop = compose.add_prefix(loop, "solver_", rename_inputs=False, rename_outputs=False, rename_initializers=False)
        joint = [("condition", "condition_of_loop")]
        whole = compose.merge_models(before, loop, joint, outputs=["mean", "shrunk", "spread", "residual"])
        del whole.opset_import[len(before.opset_import) :]  # merging lists those of both
        finish_frame(whole)
        return whole


class BeforeLoop(NativeGraph):
    """`frame0`, `frame1`, `tau` -> `mean`, `shrunk` and `spread` (see `Mean`), `condition` of the velocity."""

    outputs = (Port("mean", IMAGE), Port("shrunk", IMAGE), Port("spread", IMAGE), Port("condition", CONDITION))

    def __init__(self, network: InterpolationNetwork, halvings: int) -> None:
        super().__init__(network, 0, halvings)

    def forward(self, frame0: Tensor, frame1: Tensor, *dials: Tensor) -> tuple[Tensor, ...]:
        frames = (self.network.encode(frame) for frame in (frame0, frame1))
        mean = self.network.mean(*frames, dials[0], self.halvings)
        return mean.mean, mean.shrunk, mean.spread, self.network.velocity.condition(mean)


class Solver(nn.Module):
    """`flow_matching.solver.sample_from_endpoint` with one evaluation of the endpoint a turn.

    The evaluations of n midpoint steps are at the times 1 / 2n, 2 / 2n, ... (2n - 1) / 2n: at odd numbers in the middle
    of a step, at even ones at the beginning of the next. The first beginning needs none, its slope is known.
    """

    def __init__(self, velocity: torch.jit.ScriptModule) -> None:
        """`velocity` is a VelocityNetwork: the endpoint, and how noise comes to its grid and the residual from it."""
        super().__init__()
        self.velocity = velocity

    def forward(self, noise: Tensor, condition: Tensor, steps: Tensor) -> Tensor:
        halves = 2 * steps.clamp(min=1).to(noise.dtype)
        at_start = self.velocity.noise(noise)
        here = at_start * (1 - 1 / halves)
        for number in range(1, 2 * int(steps)):
            t = number / halves
            slope = (self.velocity(here, t, condition) - here) / (1 - t)
            in_the_middle = number % 2
            at_start = at_start + in_the_middle * slope * 2 / halves
            here = at_start + (1 - in_the_middle) * slope / halves
        return self.velocity.from_grid(at_start) * (steps > 0)


@torch.no_grad()
def trace_solver(network: InterpolationNetwork) -> ModelProto:
    """`noise`, `condition_of_loop`, `steps` -> `residual`."""
    noise = torch.zeros(1, 3, *TRACED_SIZE)
    frame = network.encode(noise)
    velocity = network.velocity
    condition = velocity.condition(network.mean(frame, frame, torch.full((1, 1, 1, 1), 0.5)))
    start = velocity.noise(noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is on its way out, as its exporter is
        methods = {"forward": (start, torch.full((1,), 0.5), condition), "noise": noise, "from_grid": start}
        solver = torch.jit.script(Solver(torch.jit.trace_module(velocity, methods)))
    inputs = Port("noise", IMAGE), Port("condition_of_loop", CONDITION), Port("steps", (1,))
    return traced_module(
        solver, (noise, condition, torch.ones(1, dtype=torch.int64)), inputs, [Port("residual", IMAGE)]
    )


def finish_frame(model: ModelProto) -> None:
    """Adds `strength`, and `frame` as the only output: clip(mean + strength * (shrunk + spread * residual)), in place.

    Without a step nothing is drawn, and the detail that the mean lacks does not come back.
    """
    graph = model.graph
    graph.input.insert(len(graph.input) - 1, helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    graph.initializer.extend(helper.make_tensor(f"frame_{n}", TensorProto.FLOAT, [], [n]) for n in (0, 1))
    graph.node.extend(
        [
            helper.make_node("Cast", ["steps"], ["frame_steps"], to=TensorProto.FLOAT),
            helper.make_node("Clip", ["frame_steps", "frame_0", "frame_1"], ["frame_drawn"]),
            helper.make_node("Mul", ["frame_drawn", "shrunk"], ["frame_shrunk"]),
            helper.make_node("Mul", ["spread", "residual"], ["frame_residual"]),
            helper.make_node("Add", ["frame_shrunk", "frame_residual"], ["frame_detail"]),
            helper.make_node("Mul", ["strength", "frame_detail"], ["frame_scaled"]),
            helper.make_node("Add", ["mean", "frame_scaled"], ["frame_unclipped"]),
            helper.make_node("Clip", ["frame_unclipped", "frame_0", "frame_1"], ["frame"]),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("frame", TensorProto.FLOAT, list(IMAGE)))
