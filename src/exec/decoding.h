#pragma once

#include "base/result.h"
#include "codec/decoder.h"
#include "connect/decode_properties.h"
#include "data/row.h"
#include "plan/rule_plan.h"
#include "sql/ddl.h"

namespace haumea::exec {

// The decoder of a rule's stream: its format, its declared columns and the columns that the rule reads.
// `properties` are those of its source.
Result<std::unique_ptr<codec::Decoder>> MakeStreamDecoder(const sql::StreamDef& stream,
                                                          const RowLayout& layout,
                                                          const connect::DecodeProperties& properties);

// Reads the event time of a row from its TIMESTAMP column: milliseconds, or a text in TIMESTAMP_FORMAT or one
// of the usual layouts. Made while planning, then used on the home loop.
class TimestampReader {
  public:
    static Result<TimestampReader> Make(const sql::StreamDef& stream, uint32_t slot);
    // False: the row has no usable time, `error` says why.
    bool Read(Row& row, const RowLayout& layout, std::string& error) const noexcept;

  private:
    TimestampReader(std::string column, uint32_t slot, std::shared_ptr<const class TimestampPattern> pattern)
        : column_(std::move(column)), slot_(slot), pattern_(std::move(pattern)) {}

    std::string column_;
    uint32_t slot_;
    std::shared_ptr<const class TimestampPattern> pattern_;  // null without TIMESTAMP_FORMAT
};

}  // namespace haumea::exec
