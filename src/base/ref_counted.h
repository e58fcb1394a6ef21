#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace haumea {

// Base of intrusively counted objects that several threads may share (buffers, prepared frames, connections).
// The count is atomic; the object itself is immutable or bound to one loop.
template <typename T>
class RefCounted {
  public:
    void Retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
    void Release() const noexcept {
        if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            T::Destroy(const_cast<T*>(static_cast<const T*>(this)));
        }
    }
    bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

    static void Destroy(T* object) noexcept { delete object; }

  protected:
    RefCounted() = default;
    ~RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

  private:
    mutable std::atomic<uint32_t> count_{1};
};

// Owning pointer to a RefCounted object. Ref<T>::Adopt takes over the initial count of a new object.
template <typename T>
class Ref {
  public:
    Ref() = default;
    Ref(std::nullptr_t) noexcept {}  // NOLINT: implicit on purpose
    static Ref Adopt(T* object) noexcept {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    static Ref Share(T* object) noexcept {
        if (object != nullptr) {
            object->Retain();
        }
        return Adopt(object);
    }
    Ref(const Ref& other) noexcept : object_(other.object_) {
        if (object_ != nullptr) {
            object_->Retain();
        }
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) {
            object_->Release();
        }
    }

    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    void Reset() noexcept { Ref().Swap(*this); }
    // Hands the reference over to the caller.
    T* Detach() noexcept { return std::exchange(object_, nullptr); }
    void Swap(Ref& other) noexcept { std::swap(object_, other.object_); }

  private:
    T* object_ = nullptr;
};

template <typename T, typename... Args>
Ref<T> MakeRef(Args&&... args) {
    return Ref<T>::Adopt(new T(std::forward<Args>(args)...));
}

}  // namespace haumea
