#!/bin/sh
# install-peers.sh [FOLDER]: a Python environment with the programs that `make bench` compares with
# (default: .build-bench/peers). A gigabyte or two; nothing outside of FOLDER changes.
set -eu
folder=${1:-.build-bench/peers}
"${PYTHON:-python3}" -m venv "$folder"
# PyTorch's own index has builds without GPU libraries, which are gigabytes less. What torch needs
# comes with the others, which need it.
"$folder/bin/pip" install --quiet --no-deps --index-url https://download.pytorch.org/whl/cpu torch
"$folder/bin/pip" install --quiet numpy transformers tokenizers safetensors zipnn xllamacpp
"$folder/bin/python" -c 'import torch, transformers, tokenizers, xllamacpp, zipnn; print("peers are ready")'
