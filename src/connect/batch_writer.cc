#include "connect/batch_writer.h"

#include <algorithm>

namespace haumea::connect {

using Kind = TransformItem::Kind;

BatchWriter::BatchWriter(const codec::EncoderOptions& options, bool header)
    : options_(options), json_(options.format == "json"), delimited_(options.format == "delimited") {
    options_.has_header = delimited_ && header;
}

Result<std::unique_ptr<BatchWriter>> BatchWriter::Make(const codec::EncoderOptions& options, bool header) {
    std::unique_ptr<BatchWriter> writer(new BatchWriter(options, header));
    HAUMEA_TRY(writer->encoder_, codec::MakeEncoder(writer->options_));
    return writer;
}

void BatchWriter::Separate() {
    if (json_) {
        batch_.Append(empty_ ? '[' : ',');
    } else if (!empty_ && options_.format != "binary") {
        batch_.Append('\n');
    }
}

bool BatchWriter::AddRow(const Value& row, std::string& error) noexcept {
    const size_t before = batch_.size();
    Separate();
    if (!encoder_->EncodeOne(row, batch_, error)) {
        batch_.Truncate(before);
        return false;
    }
    empty_ = false;
    return true;
}

bool BatchWriter::Add(const TransformItem& item, std::string& error) noexcept {
    if (item.kind == Kind::kList && !json_) {
        const size_t before = batch_.size();
        const bool was_empty = empty_;
        for (const Value& row : item.value.items()) {
            if (!AddRow(row, error)) {
                batch_.Truncate(before);
                empty_ = was_empty;
                return false;
            }
        }
        return true;
    }
    if (item.kind == Kind::kText) {
        Separate();
        batch_.Append(item.text);
        empty_ = false;
        return true;
    }
    return AddRow(item.value, error);
}

bool BatchWriter::Finish(BufferBuilder& out) noexcept {
    if (empty_) {
        return false;
    }
    if (json_) {
        batch_.Append(']');
    }
    std::swap(out, batch_);
    batch_.Clear();
    empty_ = true;
    if (delimited_) {
        // The format was accepted before.
        if (auto fresh = codec::MakeEncoder(options_)) {
            encoder_ = std::move(*fresh);
        }
    }
    return true;
}

}  // namespace haumea::connect
