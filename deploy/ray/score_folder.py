"""Score a folder of Parquet with Ray: python score_folder.py BUNDLE IN OUT."""

import sys

import ray
from credit_express.on_ray import ray_scorer

bundle, source, out = sys.argv[1:]
ray.init()  # of a cluster: address="auto", runtime_env={"py_modules": ["credit_express-….whl"]}
actors = max(int(ray.cluster_resources()["CPU"]) - 1, 1)  # one CPU reads
ray_scorer(ray.data.read_parquet(source), bundle, actors).write_parquet(out)
