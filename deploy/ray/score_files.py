"""Score a folder of files with Ray, whole files: python score_files.py BUNDLE IN OUT [TASKS].

Without TASKS there is one for each CPU.
"""

import sys

import ray
from credit_express.on_ray import score_folder

bundle, source, out, *wanted = sys.argv[1:]
ray.init(num_cpus=int(wanted[0]) if wanted else None)
# of a cluster: address="auto", runtime_env={"py_modules": ["credit_express-….whl"]}
score_folder(source, bundle, out, int(ray.cluster_resources()["CPU"]))
