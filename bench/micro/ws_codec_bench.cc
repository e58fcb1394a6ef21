#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "ws/frame_parser.h"
#include "ws/mask.h"
#include "ws/prepared_frame.h"
#include "ws/utf8.h"

// The parts of the WebSocket codec that run once per message or per byte.

namespace {

using haumea::Buffer;
using haumea::BufferBuilder;
using haumea::BufferView;
using haumea::Ref;
namespace ws = haumea::ws;

constexpr ws::MaskKey kKey = {0x37, 0xFA, 0x21, 0x3D};
constexpr size_t kReadBytes = 65536;

std::string Event(size_t bytes, std::string_view filler = "x") {
    std::string text = R"({"device":"d17","temperature":21.5,"note":")";
    while (text.size() + filler.size() + 2 <= bytes) {
        text += filler;
    }
    return text + "\"}";
}

// One read of 64 KiB full of masked text frames.
std::string MaskedFrames(std::string_view payload) {
    BufferBuilder out;
    ws::FrameHeader header;
    header.opcode = ws::Opcode::kText;
    header.masked = true;
    header.mask_key = kKey;
    while (out.size() + payload.size() + ws::kMaxHeaderBytes <= kReadBytes) {
        ws::AppendFrame(out, header, payload);
    }
    return std::string(out.view());
}

// The copy of the input into the buffer, which stands for the kernel's, is part of the time: it costs some 3
// ns per frame of 200 bytes.
void ParseFrames(benchmark::State& state, std::string_view payload, size_t piece) {
    const std::string wire = MaskedFrames(payload);
    const Ref<Buffer> buffer = Buffer::Allocate(kReadBytes);
    ws::FrameParser parser(ws::Role::kServer);
    ws::FrameEvent event;
    int64_t messages = 0;
    for (auto _ : state) {
        for (size_t at = 0; at < wire.size(); at += piece) {
            const std::string_view part = std::string_view(wire).substr(at, piece);
            part.copy(buffer->data(), part.size());
            parser.Feed({buffer->data(), part.size()}, Ref<const Buffer>::Share(buffer.get()));
            while (parser.Next(event)) {
                benchmark::DoNotOptimize(event.payload.ptr);
                ++messages;
            }
        }
    }
    state.SetItemsProcessed(messages);
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(wire.size()));
}

void BM_ParseMaskedText(benchmark::State& state) {
    ParseFrames(state, Event(static_cast<size_t>(state.range(0))), kReadBytes);
}
BENCHMARK(BM_ParseMaskedText)->Arg(200)->Arg(650)->Arg(16000);

void BM_ParseMaskedTextNotAscii(benchmark::State& state) {
    ParseFrames(state, Event(static_cast<size_t>(state.range(0)), "\u6e29\u5ea6"), kReadBytes);
}
BENCHMARK(BM_ParseMaskedTextNotAscii)->Arg(200);

// Reads that end inside a frame: every frame goes through the assembler.
void BM_ParseMaskedTextSplit(benchmark::State& state) { ParseFrames(state, Event(200), 150); }
BENCHMARK(BM_ParseMaskedTextSplit);

void BM_Utf8(benchmark::State& state, std::string_view unit) {
    std::string text;
    while (text.size() < 4096) {
        text += unit;
    }
    for (auto _ : state) {
        bool valid = ws::IsValidUtf8(text);
        benchmark::DoNotOptimize(valid);
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(text.size()));
}
BENCHMARK_CAPTURE(BM_Utf8, ascii, "temperature");
BENCHMARK_CAPTURE(BM_Utf8, latin, "Temp\u00e9rature ");
BENCHMARK_CAPTURE(BM_Utf8, chinese, "\u6e29\u5ea6");

void BM_Mask(benchmark::State& state) {
    std::string data(static_cast<size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        ws::ApplyMask(data.data(), data.size(), kKey);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(BM_Mask)->Arg(20)->Arg(200)->Arg(4096)->Arg(65536);

void BM_PrepareFrame(benchmark::State& state) {
    const std::string payload = Event(200);
    for (auto _ : state) {
        const auto frame = ws::PreparedFrame::Make(ws::Opcode::kText, BufferView::Copy(payload));
        benchmark::DoNotOptimize(frame.get());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PrepareFrame);

void BM_PrepareFrameDeflated(benchmark::State& state) {
    const std::string payload = Event(static_cast<size_t>(state.range(0)), R"(","k":")");
    ws::SharedDeflaters deflaters;
    ws::PreparedFrame::DeflateWish wish;
    wish.deflaters = &deflaters;
    wish.forms.Add({15});
    for (auto _ : state) {
        const auto frame = ws::PreparedFrame::Make(ws::Opcode::kText, BufferView::Copy(payload), wish);
        benchmark::DoNotOptimize(frame.get());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PrepareFrameDeflated)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
