internal import Parallelism
internal import COpenBLAS

/// Runs once per process, before the first BLAS call.
private let singleThreadedBLAS: Void = openblas_set_num_threads(1)

/// Makes OpenBLAS compute every call on the calling thread.
///
/// The order in which OpenBLAS adds depends on its thread count, so one thread keeps results equal
/// from machine to machine. Everything in this module calls it first; the work is shared out by
/// ``parallelForEach(count:threads:_:)`` over fixed tiles instead.
package func useSingleThreadedBLAS() {
  _ = singleThreadedBLAS
}
