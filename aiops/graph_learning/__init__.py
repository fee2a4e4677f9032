"""Learning to rank on incident graphs: the network, its training, calibration and export.

The only room that loads torch. What it trains is stored as ONNX and asked by ``aiops.rca``, which
needs neither torch nor torch-geometric.
"""

import warnings

with warnings.catch_warnings():  # of theirs, when torch-geometric 2.8 is first imported
    warnings.filterwarnings("ignore", "IProgress not found")
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import torch
    import torch_geometric.nn  # noqa: F401

# Graphs are small: threads would wait for each other, and sum up in another order each time.
torch.set_num_threads(1)
