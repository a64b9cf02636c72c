"""Data to try the product with: three datasets, their contracts and files (`datasets.py`).

The contracts are the YAML files in this folder. Nothing outside the demo imports from here.
"""

from lakehouse_pipeline.demo.datasets import DemoDataset, write_demo

__all__ = ["DemoDataset", "write_demo"]
