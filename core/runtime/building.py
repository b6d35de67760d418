"""One network at a time is built, whatever the number of threads."""

import threading

# Paddle names parameters and draws first weights from counters that all threads share: two
# networks built at once may get two parameters of one name, whose moments the optimiser then
# mixes up, and weights that depend on each other. Hold it from `paddle.seed` to the last layer.
BUILDING = threading.RLock()
