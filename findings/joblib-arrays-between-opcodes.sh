#!/usr/bin/env bash
# pickletools cannot read a joblib file: where an array's labels end, its opcodes stop making sense.
#
# joblib.dump writes a pickle, but the bytes of every numpy array of numbers or fixed-width text stand between
# its opcodes, behind a byte that says how much padding comes first. The pickle says nothing of them: joblib's
# own unpickler reads them when it has built a NumpyArrayWrapper. So pickletools.dis, and scanners that list
# what a pickle would import without loading it, end in the middle of a fitted classifier, whose classes are
# such an array. An array of objects is a whole pickle of its own there, with its own STOP, at which
# pickletools ends without a word.
#
# Versions: joblib 1.6.0, numpy 2.4.6.
# Source: joblib/numpy_pickle.py, NumpyArrayWrapper.write_array.
# Who meets it: who reads or vets model files without executing them.
# Output seen:
#   pickle: 70 opcodes, to the end
#   joblib, text of fixed width: stopped in the middle, ValueError
#   joblib, objects: 139 opcodes, 22 bytes left over
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/read.py" <<'PYTHON'
import io
import pickle
import pickletools

import joblib
import numpy as np


def dumped(labels):
    file = io.BytesIO()
    joblib.dump({"classes": labels, "rounds": 100}, file)
    return file.getvalue()


def told(name, content):
    file = io.BytesIO(content)
    try:
        count = len(list(pickletools.genops(file)))
    except ValueError as error:
        print(f"{name}: stopped in the middle, {type(error).__name__}")
        return
    left = len(content) - file.tell()
    print(f"{name}: {count} opcodes, " + (f"{left} bytes left over" if left else "to the end"))


labels = np.array(["bad", "good"])
told("pickle", pickle.dumps({"classes": labels, "rounds": 100}, 4))
told("joblib, text of fixed width", dumped(labels))
told("joblib, objects", dumped(labels.astype(object)))
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet joblib==1.6.0 numpy==2.4.6
"$place/venv/bin/python" "$place/read.py" | tee "$place/said"
diff "$place/said" - <<'SAID'
pickle: 70 opcodes, to the end
joblib, text of fixed width: stopped in the middle, ValueError
joblib, objects: 139 opcodes, 22 bytes left over
SAID
