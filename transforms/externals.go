package transforms

// Externals is the list of the tables that Go makes between models.
func Externals() []External {
	return []External{
		{
			Table:   "intermediate.int_contacts",
			Columns: "record_id bigint, phone varchar, phone_type varchar, is_phone_toll_free boolean, phone_tail varchar, website varchar, domain varchar, email varchar, email_domain varchar",
			Reads:   []string{"intermediate.int_records_kept"},
			Build:   Contacts,
		},
		{
			Table:   "intermediate.int_clusters",
			Columns: "record_id bigint, cluster_id bigint",
			Reads:   []string{"intermediate.int_edges", "intermediate.int_records_kept"},
			Build:   Cluster,
		},
	}
}
