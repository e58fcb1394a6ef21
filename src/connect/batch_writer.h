#pragma once

#include <memory>
#include <string>

#include "codec/encoder.h"
#include "connect/transform.h"
#include "data/buffer.h"

namespace haumea::connect {

// Joins items to one payload: JSON as an array of them, delimited as lines below a header line (unless
// `header` is false) in the order of `fields` or else of the sorted keys of the batch's first row, other
// formats and templates a line each, binary end to end. Owned by one action; home loop only.
class BatchWriter {
  public:
    static Result<std::unique_ptr<BatchWriter>> Make(const codec::EncoderOptions& options, bool header);

    // False: the item cannot be encoded; the batch is as it was.
    bool Add(const TransformItem& item, std::string& error) noexcept;
    size_t size() const noexcept { return batch_.size(); }
    // Replaces the content of `out` by the batch and starts a new one; false when there is nothing in it.
    bool Finish(BufferBuilder& out) noexcept;

  private:
    BatchWriter(const codec::EncoderOptions& options, bool header);
    bool AddRow(const Value& row, std::string& error) noexcept;
    void Separate();

    codec::EncoderOptions options_;
    bool json_;
    bool delimited_;
    std::unique_ptr<codec::Encoder>
        encoder_;  // delimited: of this batch, whose first row decides the columns
    BufferBuilder batch_;
    bool empty_ = true;
};

}  // namespace haumea::connect
