#include <fmt/core.h>

#include "codec/column_table.h"
#include "codec/formats.h"
#include "codec/json_reader.h"
#include "codec/schema_value.h"

namespace haumea::codec {

namespace {

// FORMAT json: an object is a row, an array is a row per element. One forward pass; what the rule does not
// read is checked and skipped.
class JsonDecoder final : public Decoder {
  public:
    explicit JsonDecoder(DecoderOptions options)
        : reader_({.max_depth = options.max_depth,
                   .whole_numbers_as_int = options.whole_numbers_as_int && options.columns.empty()}),
          table_(std::move(options)) {}

    bool Decode(const BufferView& message, Arena& arena, std::vector<Row>& rows,
                std::string& error) noexcept override {
        const size_t before = rows.size();
        if (!DecodeRows(message.view(), arena, rows)) {
            rows.resize(before);
            error = reader_.error();
            return false;
        }
        return true;
    }

    bool Pick(const Value& object, Arena& arena, std::vector<Row>& rows,
              std::string& error) noexcept override {
        Row row;
        if (!table_.PickRow(object, arena, row, error)) {
            return false;
        }
        rows.push_back(row);
        return true;
    }

  private:
    bool DecodeRows(std::string_view text, Arena& arena, std::vector<Row>& rows) noexcept {
        if (!reader_.Start(text)) {
            return false;
        }
        if (reader_.Peek() == '{') {
            return DecodeRow(arena, rows) && reader_.Finish();
        }
        if (reader_.Peek() == '[') {
            return DecodeArray(arena, rows) && reader_.Finish();
        }
        Value scalar;
        if (!reader_.ReadValue(arena, scalar) || !reader_.Finish()) {
            return false;
        }
        return reader_.FailWith(
            "only map[string]interface{} and []map[string]interface{} is supported: the message has to be a "
            "JSON object "
            "or an array of objects");
    }

    bool DecodeArray(Arena& arena, std::vector<Row>& rows) noexcept {
        if (!reader_.EnterArray()) {
            return false;
        }
        for (;;) {
            bool done = false;
            if (!reader_.NextElement(done)) {
                return false;
            }
            if (done) {
                return true;
            }
            if (reader_.Peek() != '{') {
                const std::string_view kind = reader_.KindOfNext();
                return reader_.SkipValue() &&
                       reader_.FailWith(fmt::format("value doesn't contain object; it contains {}", kind));
            }
            if (!DecodeRow(arena, rows)) {
                return false;
            }
        }
    }

    bool DecodeRow(Arena& arena, std::vector<Row>& rows) noexcept {
        if (!reader_.EnterObject()) {
            return false;
        }
        Value* slots = table_.NewSlots(arena);
        others_.clear();
        for (;;) {
            std::string_view key;
            bool done = false;
            if (!reader_.NextMember(arena, key, done)) {
                return false;
            }
            if (done) {
                break;
            }
            const ColumnTarget* target = table_.Find(key);
            if (target != nullptr) {
                Value& slot = slots[target->slot];
                if (!(target->column == nullptr
                          ? reader_.ReadValue(arena, slot)
                          : ReadTyped(reader_, target->column->type, target->column->name, arena, slot))) {
                    return false;
                }
            } else if (table_.keeps_others()) {
                Field& field = others_.emplace_back(Field{key, Value()});
                if (!reader_.ReadValue(arena, field.value)) {
                    return false;
                }
            } else if (!reader_.SkipValue()) {
                return false;
            }
        }
        Row row;
        std::string error;
        if (!table_.FinishRow(slots, others_, arena, row, error)) {
            return reader_.FailWith(std::move(error));
        }
        rows.push_back(row);
        return true;
    }

    JsonReader reader_;
    ColumnTable table_;
    std::vector<Field> others_;
};

}  // namespace

std::unique_ptr<Decoder> MakeJsonDecoder(DecoderOptions options) {
    return std::make_unique<JsonDecoder>(std::move(options));
}

}  // namespace haumea::codec
