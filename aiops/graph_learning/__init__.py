"""Learning to rank on incident graphs: the network, its training, calibration and export.

The only room that loads torch. What it trains is stored as ONNX and asked by ``aiops.rca``, which
needs neither torch nor torch-geometric.
"""
