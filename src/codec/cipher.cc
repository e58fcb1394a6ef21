#include "codec/cipher.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace haumea::codec {

namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kBlockSize = 16;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* FindCipher(bool gcm, size_t key_size) {
    switch (key_size) {
        case 16:
            return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cfb128();
        case 24:
            return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cfb128();
        case 32:
            return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cfb128();
        default:
            return nullptr;
    }
}

const unsigned char* Bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct Cipher::Impl {
    CipherOptions options;
    bool gcm = true;
    const EVP_CIPHER* cipher = nullptr;
    // One per direction, so that the key is set up once and not for every message.
    std::unique_ptr<EVP_CIPHER_CTX, FreeContext> encrypting;
    std::unique_ptr<EVP_CIPHER_CTX, FreeContext> decrypting;
    EVP_CIPHER_CTX* context = nullptr;  // the one at work
    std::array<unsigned char, 512> random;
    size_t random_used = sizeof(random);

    size_t iv_size() const { return gcm ? kNonceSize : kBlockSize; }
    size_t sent_tag_size() const { return std::max(static_cast<size_t>(options.tag_size), kTagSize); }

    bool Start(const unsigned char* iv, bool encrypt) {
        auto& chosen = encrypt ? encrypting : decrypting;
        if (chosen == nullptr) {
            chosen.reset(EVP_CIPHER_CTX_new());
            if (chosen == nullptr || EVP_CipherInit_ex(chosen.get(), cipher, nullptr, Bytes(options.key),
                                                       nullptr, encrypt ? 1 : 0) != 1) {
                return false;
            }
        }
        context = chosen.get();
        return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv, -1) == 1;
    }
    // Every random byte is used once.
    bool FreshIv(unsigned char* iv) {
        const size_t size = iv_size();
        if (random.size() - random_used < size) {
            if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
                return false;
            }
            random_used = 0;
        }
        std::memcpy(iv, random.data() + random_used, size);
        random_used += size;
        return true;
    }
    // Runs `in` through to `to`, which has the same size.
    bool Update(std::string_view in, char* to) const {
        int written = 0;
        if (!options.aad.empty() && gcm &&
            EVP_CipherUpdate(context, nullptr, &written, Bytes(options.aad),
                             static_cast<int>(options.aad.size())) != 1) {
            return false;
        }
        return in.empty() || EVP_CipherUpdate(context, reinterpret_cast<unsigned char*>(to), &written,
                                              Bytes(in), static_cast<int>(in.size())) == 1;
    }
    bool Finish() const {
        std::array<unsigned char, kBlockSize> rest{};
        int written = 0;
        return EVP_CipherFinal_ex(context, rest.data(), &written) == 1;
    }
};

Cipher::Cipher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cipher::~Cipher() = default;

Result<std::unique_ptr<Cipher>> Cipher::Make(CipherOptions options) {
    auto impl = std::make_unique<Impl>();
    if (options.key.empty()) {
        return Failf("get encryptor aes fail with error: AES Key is not defined: set basic.aesKey");
    }
    if (options.mode != "gcm" && options.mode != "cfb") {
        return Failf("get encryptor aes fail with error: unsupported AES encryption mode: {}: use gcm or cfb",
                     options.mode);
    }
    impl->gcm = options.mode == "gcm";
    impl->cipher = FindCipher(impl->gcm, options.key.size());
    if (impl->cipher == nullptr) {
        return Failf(
            "get encryptor aes fail with error: crypto/aes: invalid key size {}: the key has 16, 24 or 32 "
            "bytes",
            options.key.size());
    }
    if (!options.iv.empty() && options.iv.size() != impl->iv_size()) {
        return Failf("get encryptor aes fail with error: invalid IV length {}: mode {} needs {} bytes",
                     options.iv.size(), options.mode, impl->iv_size());
    }
    if (!options.aad.empty() && options.iv.empty()) {
        return Failf(
            "get encryptor aes fail with error: aad without iv could never be decrypted: set encProps.iv");
    }
    impl->options = std::move(options);
    return std::unique_ptr<Cipher>(new Cipher(std::move(impl)));
}

bool Cipher::Encrypt(std::string_view plain, BufferBuilder& out, std::string& error) noexcept {
    Impl& impl = *impl_;
    std::array<unsigned char, kBlockSize> iv{};
    const size_t iv_size = impl.iv_size();
    if (!impl.options.iv.empty()) {
        std::memcpy(iv.data(), impl.options.iv.data(), iv_size);
    } else if (!impl.FreshIv(iv.data())) {
        error = "cannot encrypt: no random numbers";
        return false;
    }
    const bool tag_first = impl.gcm && !impl.options.aad.empty();
    const size_t head = tag_first ? impl.sent_tag_size() : iv_size;
    const size_t tail = impl.gcm && !tag_first ? kTagSize : 0;
    if (plain.size() > std::numeric_limits<int>::max() / 2) {
        error = "cannot encrypt: the message is too large";
        return false;
    }
    char* to = out.Reserve(head + plain.size() + tail);
    std::memset(to, 0, head);
    if (!tag_first) {
        std::memcpy(to, iv.data(), iv_size);
    }
    char* tag = tag_first ? to : to + head + plain.size();
    if (!impl.Start(iv.data(), true) || !impl.Update(plain, to + head) || !impl.Finish() ||
        (impl.gcm && EVP_CIPHER_CTX_ctrl(impl.context, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) != 1)) {
        error = "cannot encrypt: AES failed";
        return false;
    }
    out.Commit(head + plain.size() + tail);
    return true;
}

bool Cipher::Decrypt(std::string_view message, BufferBuilder& out, std::string& error) noexcept {
    Impl& impl = *impl_;
    const bool tag_first = impl.gcm && !impl.options.aad.empty();
    const size_t head = tag_first ? impl.sent_tag_size() : impl.iv_size();
    const size_t tail = impl.gcm && !tag_first ? kTagSize : 0;
    if (message.size() < head + tail || message.size() > std::numeric_limits<int>::max() / 2) {
        error = "cannot decrypt: the message has an impossible size";
        return false;
    }
    const std::string_view body = message.substr(head, message.size() - head - tail);
    const unsigned char* iv = tag_first ? Bytes(impl.options.iv) : Bytes(message);
    std::array<char, kTagSize> tag{};
    if (impl.gcm) {
        std::memcpy(tag.data(), tag_first ? message.data() : message.data() + message.size() - kTagSize,
                    kTagSize);
    }
    char* to = out.Reserve(body.size() + 1);
    if (!impl.Start(iv, false) ||
        (impl.gcm && EVP_CIPHER_CTX_ctrl(impl.context, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) != 1) ||
        !impl.Update(body, to) || !impl.Finish()) {
        error = "cannot decrypt: the message was not encrypted with this key or was changed";
        return false;
    }
    out.Commit(body.size());
    return true;
}

}  // namespace haumea::codec
