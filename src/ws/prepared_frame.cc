#include "ws/prepared_frame.h"

#include <cstring>
#include <new>
#include <utility>

namespace haumea::ws {

Deflater* SharedDeflaters::For(uint8_t window_bits) noexcept {
    if (window_bits < 8 || window_bits > 15) {
        return nullptr;
    }
    std::unique_ptr<Deflater>& slot = by_bits_[window_bits];
    if (slot == nullptr) {
        slot.reset(new (std::nothrow) Deflater({.window_bits = window_bits,
                                                .context_takeover = ContextTakeover::kNo,
                                                .level = level_,
                                                .mem_level = 8}));
    }
    return slot.get();
}

Ref<const PreparedFrame> PreparedFrame::Make(Opcode opcode, BufferView payload, const DeflateWish& wish) {
    auto* frame = new PreparedFrame;
    Ref<const PreparedFrame> ref = Ref<const PreparedFrame>::Adopt(frame);
    frame->opcode_ = opcode;
    frame->plain_.payload = std::move(payload);
    WriteHeader(frame->plain_, opcode);

    const bool data = opcode == Opcode::kText || opcode == Opcode::kBinary;
    const size_t plain_bytes = frame->plain_.payload.len;
    if (!data || wish.deflaters == nullptr || !wish.forms.any_deflated() || plain_bytes < wish.threshold) {
        return ref;
    }
    std::unique_ptr<Variant>* tail = &frame->plain_.next;
    for (uint8_t bits = 15; bits >= 8; --bits) {
        Deflater* deflater = wish.forms.Has({bits}) ? wish.deflaters->For(bits) : nullptr;
        if (deflater == nullptr) {
            continue;
        }
        BufferBuilder out;
        if (!deflater->Compress(frame->plain_.payload.view(), out) || out.size() >= plain_bytes) {
            continue;
        }
        auto variant = std::make_unique<Variant>();
        variant->form = {bits};
        variant->payload = out.Take();
        WriteHeader(*variant, opcode);
        *tail = std::move(variant);
        tail = &(*tail)->next;
    }
    return ref;
}

void PreparedFrame::WriteHeader(Variant& variant, Opcode opcode) {
    FrameHeader header;
    header.opcode = opcode;
    header.rsv1 = variant.form.deflated();
    header.payload_bytes = variant.payload.len;
    std::array<char, kMaxHeaderBytes> bytes;
    variant.header_size = static_cast<uint8_t>(EncodeHeader(header, bytes.data()));
    // Only the sole owner of a buffer may write to it, and only in front of a payload that starts it:
    // otherwise those bytes belong to somebody else.
    const BufferView& payload = variant.payload;
    variant.header_in_headroom =
        payload.owner && payload.owner->unique() && payload.ptr == payload.owner->data();
    char* target = variant.header_in_headroom ? const_cast<char*>(payload.ptr) - variant.header_size
                                              : variant.header.data();
    std::memcpy(target, bytes.data(), variant.header_size);
}

const PreparedFrame::Variant& PreparedFrame::Choose(WireForm form) const noexcept {
    if (form.deflated()) {
        for (const Variant* variant = plain_.next.get(); variant != nullptr; variant = variant->next.get()) {
            if (variant->form == form) {
                return *variant;
            }
        }
    }
    return plain_;
}

size_t PreparedFrame::Gather(WireForm form, size_t skip, std::span<iovec, 2> out) const noexcept {
    const Variant& variant = Choose(form);
    if (skip >= variant.total()) {
        return 0;
    }
    const auto entry = [](const char* begin, size_t size) { return iovec{const_cast<char*>(begin), size}; };
    const BufferView& payload = variant.payload;
    if (variant.header_in_headroom) {
        out[0] = entry(payload.ptr - variant.header_size + skip, variant.total() - skip);
        return 1;
    }
    size_t used = 0;
    if (skip < variant.header_size) {
        out[used++] = entry(variant.header.data() + skip, variant.header_size - skip);
        skip = variant.header_size;
    }
    const size_t payload_skip = skip - variant.header_size;
    if (payload_skip < payload.len) {
        out[used++] = entry(payload.ptr + payload_skip, payload.len - payload_skip);
    }
    return used;
}

}  // namespace haumea::ws
