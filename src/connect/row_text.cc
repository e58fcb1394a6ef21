#include "connect/row_text.h"

#include "codec/json_writer.h"
#include "data/buffer.h"

namespace haumea::connect {

std::string RowText(std::span<const Value> rows, size_t max_bytes) {
    BufferBuilder out;
    std::string error;
    if (!codec::WriteJson(Value::Array(rows), out, error)) {
        return error;
    }
    std::string text(out.view().substr(0, max_bytes));
    if (out.size() > max_bytes) {
        text += "...";
    }
    return text;
}

}  // namespace haumea::connect
