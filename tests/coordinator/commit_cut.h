#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "database/database.h"

namespace dsfailover {

/// What happens to one commit: its connection breaks.
struct CutCommit {
    bool has_effect = false;
    /// What happens elsewhere before the process of the connection goes on; empty: no commit is
    /// cut, or it was.
    std::function<void()> then{};
};

/// What happens elsewhere before the next statement that is read in pages and has `part` in it.
struct Meanwhile {
    std::string part;
    std::function<void()> then{};  ///< empty: nothing, or it did
};

/// A connection that breaks at the next commit, or before whose reading something happens.
class CommitCut : public Database {
  public:
    CommitCut(std::unique_ptr<Database> real, CutCommit& cut, Meanwhile& meanwhile)
        : real_(std::move(real)), cut_(cut), meanwhile_(meanwhile) {}

    const SqlDialect& dialect() const override { return real_->dialect(); }
    std::string endpoint() const override { return real_->endpoint(); }
    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        return real_->query(sql, parameters);
    }
    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        return real_->execute(sql, parameters);
    }
    std::int64_t execute_on_wanted(std::string_view sql, std::span<const Value> parameters,
                                   const std::function<bool(const Row&)>& is_wanted) override {
        return real_->execute_on_wanted(sql, parameters, is_wanted);
    }
    std::optional<FileVersion> file_version() override { return real_->file_version(); }
    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        if (meanwhile_.then && sql.find(meanwhile_.part) != std::string_view::npos)
            std::exchange(meanwhile_.then, {})();
        real_->stream(sql, parameters, row);
    }
    std::int64_t last_insert_id() override { return real_->last_insert_id(); }
    void begin() override { real_->begin(); }
    void commit() override {
        if (!cut_.then) return real_->commit();
        if (cut_.has_effect)
            real_->commit();
        else
            real_->rollback();
        std::exchange(cut_.then, {})();
        throw DatabaseError(DatabaseError::Kind::commit_unknown, "commit: no answer");
    }
    void rollback() noexcept override { real_->rollback(); }
    bool in_transaction() const override { return real_->in_transaction(); }
    void reconnect() override { real_->reconnect(); }
    std::unique_ptr<Database> open_another() const override { return real_->open_another(); }
    EpochMs clock_ms() override { return real_->clock_ms(); }

  private:
    const std::unique_ptr<Database> real_;
    CutCommit& cut_;
    Meanwhile& meanwhile_;
};

}  // namespace dsfailover
