"""GridSample written out with Gather, for runtimes that have no GridSample or a slow one."""

from onnx import ModelProto, helper, inliner, parser
from vfi_flow.export.expand import forget_domain

DOMAIN, OPERATOR = "vfi_flow.warp", "GatherWarp"

WARP = f"""
<opset_import: ["" : 18], domain: "{DOMAIN}">
{OPERATOR} (image, grid) => (warped) {{
  zero = Constant <value_ints: ints = [0]> ()
  one = Constant <value_ints: ints = [1]> ()
  three = Constant <value_ints: ints = [3]> ()
  all = Constant <value_ints: ints = [-1]> ()
  column = Constant <value_ints: ints = [-1, 1, 1]> ()
  unit = Constant <value_float: float = 1.0> ()
  half = Constant <value_float: float = 0.5> ()
  edge = Constant <value_float: float = 0.0> ()

  # Pixel coordinates inside the image, (B, h, w, 1) each.
  channels = Shape <start: int = 1, end: int = 2> (image)
  height = Shape <start: int = 2, end: int = 3> (image)
  width = Shape <start: int = 3, end: int = 4> (image)
  rows = Cast <to: int = 1> (height)
  columns = Cast <to: int = 1> (width)
  last_row = Sub (rows, unit)
  last_column = Sub (columns, unit)
  across, down = Split <axis: int = 3, num_outputs: int = 2> (grid)
  across_1 = Add (across, unit)
  across_2 = Mul (across_1, columns)
  across_3 = Mul (across_2, half)
  across_4 = Sub (across_3, half)
  across_5 = Max (across_4, edge)
  x = Min (across_5, last_column)
  down_1 = Add (down, unit)
  down_2 = Mul (down_1, rows)
  down_3 = Mul (down_2, half)
  down_4 = Sub (down_3, half)
  down_5 = Max (down_4, edge)
  y = Min (down_5, last_row)

  # The four pixels around, as positions in a list of all pixels of the batch; whole numbers, for floats end at 2^24.
  left = Floor (x)
  top = Floor (y)
  beside = Add (left, unit)
  below = Add (top, unit)
  right = Min (beside, last_column)
  bottom = Min (below, last_row)
  left_i = Cast <to: int = 7> (left)
  right_i = Cast <to: int = 7> (right)
  top_i = Cast <to: int = 7> (top)
  bottom_i = Cast <to: int = 7> (bottom)
  batch = Shape <start: int = 0, end: int = 1> (image)
  first = Squeeze (zero)
  end = Squeeze (batch)
  stride = Squeeze (one)
  number = Range (first, end, stride)
  number_column = Reshape (number, column)
  pixels_of_one = Mul (height, width)
  base = Mul (number_column, pixels_of_one)
  left_p = Squeeze (left_i, three)
  right_p = Squeeze (right_i, three)
  top_p = Squeeze (top_i, three)
  bottom_p = Squeeze (bottom_i, three)
  top_row = Mul (top_p, width)
  bottom_row = Mul (bottom_p, width)
  top_base = Add (top_row, base)
  bottom_base = Add (bottom_row, base)
  top_left = Add (top_base, left_p)
  top_right = Add (top_base, right_p)
  bottom_left = Add (bottom_base, left_p)
  bottom_right = Add (bottom_base, right_p)

  last = Transpose <perm: ints = [0, 2, 3, 1]> (image)
  list = Concat <axis: int = 0> (all, channels)
  pixels = Reshape (last, list)
  value_00 = Gather (pixels, top_left)
  value_01 = Gather (pixels, top_right)
  value_10 = Gather (pixels, bottom_left)
  value_11 = Gather (pixels, bottom_right)

  weight_x = Sub (x, left)
  weight_y = Sub (y, top)
  step_0 = Sub (value_01, value_00)
  part_0 = Mul (step_0, weight_x)
  upper = Add (value_00, part_0)
  step_1 = Sub (value_11, value_10)
  part_1 = Mul (step_1, weight_x)
  lower = Add (value_10, part_1)
  step = Sub (lower, upper)
  part = Mul (step, weight_y)
  sampled = Add (upper, part)
  warped = Transpose <perm: ints = [0, 3, 1, 2]> (sampled)
}}
"""
"""Bilinear, align_corners = 0; coordinates outside count as the edge, as those of every warp are clamped anyway."""


def gather_warps(model: ModelProto) -> ModelProto:
    """`model` with every GridSample replaced by standard operators around four Gathers."""
    for node in model.graph.node:
        if node.op_type == "GridSample":
            node.op_type, node.domain = OPERATOR, DOMAIN
            del node.attribute[:]
    source = "\n".join(line for line in WARP.splitlines() if not line.strip().startswith("#"))
    model.functions.append(parser.parse_function(source))
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    inlined = inliner.inline_local_functions(model)
    forget_domain(inlined, DOMAIN)
    return inlined
