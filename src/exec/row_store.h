#pragma once

#include <cstddef>

#include "connect/source.h"
#include "data/buffer.h"
#include "expr/eval.h"

namespace haumea::exec {

// A row that outlives its message: the columns that the rule reads are copied into one pooled buffer, so that
// a window over small columns of large messages stays small. Move only; home loop only.
class KeptTuple {
  public:
    // `columns`: number of slots of the layout. `meta` may be null.
    KeptTuple(const expr::Tuple& tuple, size_t columns, const Ref<connect::Metadata>& meta);

    const expr::Tuple& tuple() const { return tuple_; }
    const Ref<connect::Metadata>& meta() const { return meta_; }
    int64_t timestamp_ms() const { return tuple_.row.timestamp_ms; }
    // Memory that is held.
    size_t bytes() const { return sizeof(KeptTuple) + sizeof(Buffer) + bytes_; }

  private:
    Ref<Buffer> buffer_;
    Ref<connect::Metadata> meta_;
    expr::Tuple tuple_;
    size_t bytes_ = 0;
};

// Bounds of what one operator keeps. A row beyond them is dropped and counted.
inline constexpr size_t kMaxKeptBytes = size_t{256} << 20U;
inline constexpr size_t kMaxKeptRows = 4'000'000;

}  // namespace haumea::exec
