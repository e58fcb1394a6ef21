#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/delimited.h"
#include "data/buffer.h"
#include "data/value.h"

namespace haumea::codec {

struct EncoderOptions {
    std::string format = "json";  // lower case
    std::string delimiter = ",";
    bool has_header = false;
    Quoting quoting = Quoting::kNone;  // delimited
    std::vector<std::string> fields;   // delimited: order of the columns
};

// Rows -> payload. Owned by one action; home loop only.
class Encoder {
  public:
    virtual ~Encoder() = default;
    // One value: usually an object; with dataField anything.
    virtual bool EncodeOne(const Value& value, BufferBuilder& out, std::string& error) noexcept = 0;
    // A list of rows: one payload (JSON: an array).
    virtual bool EncodeList(std::span<const Value> rows, BufferBuilder& out, std::string& error) noexcept = 0;
    // The output is valid UTF-8 text by construction.
    virtual bool is_text() const = 0;
};

Result<std::unique_ptr<Encoder>> MakeEncoder(const EncoderOptions& options);

}  // namespace haumea::codec
