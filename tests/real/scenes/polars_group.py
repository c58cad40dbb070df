"""polars groups in its own threads, without the GIL."""
import polars
import numpy

frame = polars.DataFrame({"k": numpy.random.randint(0, 1000000, 3000000), "v": numpy.random.rand(3000000)})
print(flush=True)
while True:
    frame.group_by("k").agg(polars.col("v").median())
