#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/column_table.h"
#include "codec/decoder.h"

namespace haumea::codec {

// What the formats other than JSON share: rows of fields without types, usually one per message. One thread.
class FieldsDecoder : public Decoder {
  public:
    explicit FieldsDecoder(DecoderOptions options) : table_(std::move(options)) {}

    bool Decode(const BufferView& message, Arena& arena, std::vector<Row>& rows,
                std::string& error) noexcept override {
        StartRow(arena);
        return Split(message.view(), arena, error) && FinishRow(arena, rows, error);
    }
    bool Pick(const Value& object, Arena& arena, std::vector<Row>& rows, std::string& error) noexcept final {
        Row row;
        if (!table_.PickRow(object, arena, row, error)) {
            return false;
        }
        rows.push_back(row);
        return true;
    }

  protected:
    // Around the calls of Put for one row.
    void StartRow(Arena& arena) noexcept {
        slots_ = table_.NewSlots(arena);
        others_.clear();
    }
    bool FinishRow(Arena& arena, std::vector<Row>& rows, std::string& error) noexcept {
        Row row;
        if (!table_.FinishRow(slots_, others_, arena, row, error)) {
            return false;
        }
        rows.push_back(row);
        return true;
    }
    // Calls Put for every field of `message`, which is one row.
    virtual bool Split(std::string_view message, Arena& arena, std::string& error) noexcept = 0;

    void Put(std::string_view key, const Value& value) noexcept {
        if (const ColumnTarget* target = table_.Find(key); target != nullptr) {
            slots_[target->slot] = value;
        } else if (table_.keeps_others()) {
            others_.push_back({key, value});
        }
    }
    const DecoderOptions& options() const noexcept { return table_.options(); }
    std::string_view Delimiter() const noexcept {
        return options().delimiter.empty() ? std::string_view(",") : std::string_view(options().delimiter);
    }

  private:
    ColumnTable table_;
    Value* slots_ = nullptr;
    std::vector<Field> others_;
};

}  // namespace haumea::codec
