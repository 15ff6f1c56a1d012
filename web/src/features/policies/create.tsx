import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { PageHead } from "../../ui/page";
import { Failed, Skeleton } from "../../ui/states";
import { useOrg } from "../shell/org";
import { PolicyEditor } from "./editor";
import { EffectState } from "./effect";
import { templatesQuery } from "./queries";

/** A new policy: from a template, or from nothing. */
export default function NewPolicy() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/policies/new" });
  const navigate = useNavigate({ from: "/o/$org/policies/new" });
  const { data, error, refetch } = useQuery(templatesQuery(org.id));
  const chosen = data?.items.find((t) => t.id === search.template);
  const pick = (template: string) => void navigate({ search: { template } });
  if (error) return <Failed page error={error} what="the templates" retry={() => void refetch()} />;
  return (
    <>
      <PageHead
        title="New policy"
        lead={search.template ? "Nothing is saved before you have seen what it would have changed." : "Begin with what many organizations have, or with nothing."}
        back={
          search.template ? (
            <Link to="/o/$org/policies/new" params={{ org: org.slug }} search={{}}>
              Templates
            </Link>
          ) : (
            <Link to="/o/$org/policies" params={{ org: org.slug }} search={{}}>
              Policies
            </Link>
          )
        }
      />
      {search.template ? (
        search.template === "none" ? (
          <div className="form-page">
            <PolicyEditor />
          </div>
        ) : data ? (
          <div className="form-page">
            <PolicyEditor key={search.template} {...(chosen ? { start: { name: chosen.name, description: chosen.description, form: chosen.form, text: chosen.text } } : {})} />
          </div>
        ) : (
          <Skeleton width={240} />
        )
      ) : (
        <ul className="safe-cards">
          {data?.items.map((t) => (
            <li key={t.id} className="card pad stack">
              <div className="row between wrap">
                <h2>
                  <button type="button" className="link-button" onClick={() => pick(t.id)}>
                    {t.name}
                  </button>
                </h2>
                <EffectState effect={t.form.effect} />
              </div>
              <p className="dim">{t.description}</p>
            </li>
          ))}
          {data && (
            <li className="card pad stack">
              <h2>
                <button type="button" className="link-button" onClick={() => pick("none")}>
                  From nothing
                </button>
              </h2>
              <p className="dim">An empty form, or Cedar as text.</p>
            </li>
          )}
        </ul>
      )}
    </>
  );
}
