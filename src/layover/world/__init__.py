"""A generated world: a family of artificial languages that talk about the same things.

`write(folder, Shape(), seed)` makes raw text and data sets for every task type, in the layouts of
the real data sets, for languages at known distances from the source. A meaning is drawn first (by
a `Storyteller`), then realised by one grammar in each language. It demonstrates and tests Layover
without downloads; what holds in it need not hold of natural languages.
"""

from layover.world.dialect import LANGUAGES, Dialect
from layover.world.shape import Shape, Sizes
from layover.world.write import write

__all__ = ["LANGUAGES", "Dialect", "Shape", "Sizes", "write"]
