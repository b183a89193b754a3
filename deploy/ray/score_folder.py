"""Score a folder of Parquet with Ray: python score_folder.py BUNDLE IN OUT [ACTORS].

Without ACTORS there is one for each CPU but one, which reads.
"""

import sys

import ray
from credit_express.on_ray import ray_scorer

bundle, source, out, *wanted = sys.argv[1:]
ray.init(num_cpus=int(wanted[0]) + 1 if wanted else None)
# of a cluster: address="auto", runtime_env={"py_modules": ["credit_express-….whl"]}
actors = max(int(ray.cluster_resources()["CPU"]) - 1, 1)
ray_scorer(ray.data.read_parquet(source), bundle, actors).write_parquet(out)
