"""What the whole services of tests are told because other tests run beside them on as few cores.

None of it decides what is served or learnt.
"""

from bench.instance import START_LIMIT_S

BESIDE_OTHERS = {
    "REJOINDER_SERVING__READY_TIMEOUT_S": str(START_LIMIT_S),
    "REJOINDER_SERVING__REQUEST_TIMEOUT_S": "600",
    "REJOINDER_SERVING__THREADS": "1",  # two wait for each other at every layer
    "REJOINDER_TRAINER__NICE": "0",  # a polite night would wait for all the other tests
}
