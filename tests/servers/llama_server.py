"""Runs llama.cpp's own server on a tiny random model: `python llama_server.py MODEL`."""

import sys
import time

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.hostnames = ["127.0.0.1"]
parameters.port = 0
parameters.n_parallel = 4
parameters.n_ctx = 8192
# Several threads wait for each other by spinning, and the tests beside them need the processor.
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.warmup = False
server = xllamacpp.Server(parameters)
print("listening on", server.listening_address, flush=True)
time.sleep(3600)
